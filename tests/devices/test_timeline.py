"""Time travel: the state at an instant is the same, bit for bit, however it was reached."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from minihv import guests
from minihv.devices.timeline import Timeline
from minihv.devices.virt import End, Instant, Machine
from minihv.errors import ConfigError
from tests.devices import programs
from tests.devices.digest import differing_slots, digest

ENGINES = pytest.mark.parametrize("engine", ["jit", "python"])
BREAK, WATCH = End("breakpoint"), End("watchpoint")
MEMORY = 8 << 20


def guest(name: str, engine: str = "jit", harts: int = 1) -> Machine:
    return Machine(MEMORY, harts, engine).load(guests.path(name))


def fresh(make: Callable[[], Machine], instant: Instant) -> Machine:
    """A new machine, run straight to an instant."""
    machine = make()
    machine.run(until=instant.ticks)
    while machine.instant < instant:
        machine.run(1, at_traps=True)
    return machine


def check_same(timeline: Timeline, make: Callable[[], Machine]) -> None:
    """The timeline's machine is as one that was never anywhere else."""
    expected = fresh(make, timeline.position)
    assert expected.instant == timeline.position
    assert differing_slots(timeline.machine, expected) == []
    assert digest(timeline.machine) == digest(expected)


# --- the same state, however reached --------------------------------------------------------------

CASES = [
    ("hello-s", "jit", 1, 700),
    ("hello-s", "python", 1, 700),
    ("timer", "jit", 1, 2000),
    ("timer", "python", 1, 2000),
    ("paging", "jit", 1, 5000),
    ("hello-s", "jit", 4, 1000),
]


@pytest.mark.parametrize("name,engine,harts,every", CASES)
def test_every_instant_is_as_in_a_straight_run(name, engine, harts, every):
    def make() -> Machine:
        return guest(name, engine, harts)

    plain = make()
    end = plain.run()
    timeline = Timeline(make(), every)
    assert timeline.run() == end
    assert digest(timeline.machine) == digest(plain)
    assert len(timeline.snapshots) > 4
    chance, seen = random.Random(name), {}
    for _ in range(12):
        tick = chance.randrange(timeline.end.ticks + 1)
        end = timeline.goto(tick)
        assert timeline.position.ticks >= tick
        assert seen.setdefault(timeline.position, digest(timeline.machine)) == digest(
            timeline.machine
        )
        if end.reason == "budget":
            check_same(timeline, make)


def test_labos_on_three_harts():
    def make() -> Machine:
        return Machine(16 << 20, 3).load(guests.path("labos"))

    timeline = Timeline(make(), 300_000)
    timeline.run(2_000_000)
    for tick in (123_456, 2_345_678, 1_234_567, 60_000):
        timeline.goto(tick)
        check_same(timeline, make)


@ENGINES
def test_stepping_back_undoes_each_step(engine):
    timeline = Timeline(programs.machine(programs.LOOP, engine), 40)
    path = []
    for _ in range(80):
        path.append((timeline.position, digest(timeline.machine)))
        timeline.step()
    assert len({position.traps for position, _ in path}) > 5  # traps are steps of their own
    for position, state in reversed(path):
        assert timeline.reverse_step() == End("budget")
        assert (timeline.position, digest(timeline.machine)) == (position, state)
    assert timeline.reverse_step() == End("start")


@ENGINES
def test_stepping_back_over_calls_at_one_tick(engine):
    timeline = Timeline(programs.machine(programs.CALLS, engine, "s"), 7)
    path = []
    while timeline.machine.ended is None:
        path.append((timeline.position, digest(timeline.machine)))
        timeline.step()
    ticks = [position.ticks for position, _ in path]
    assert max(ticks.count(tick) for tick in ticks) == 4  # three calls without an instruction
    for position, state in reversed(path):
        timeline.reverse_step()
        assert (timeline.position, digest(timeline.machine)) == (position, state)
    for position, state in random.Random(1).sample(path, 20):
        timeline.goto(position)
        assert (timeline.position, digest(timeline.machine)) == (position, state)


def test_stepping_back_over_a_wait_is_one_step():
    timeline = Timeline(guest("timer"), 1000)
    timeline.run(4000)
    while not timeline.machine.harts[0].waiting:
        timeline.step()
    waiting = timeline.position
    timeline.step()
    assert timeline.position.ticks > waiting.ticks + 10
    timeline.reverse_step()
    assert timeline.position == waiting


@ENGINES
def test_a_timer_falls_due_at_a_trap_as_at_any_other_instant(engine):
    def make() -> Machine:
        return programs.machine(programs.TRAPS_ONLY, engine)

    timeline = Timeline(make())
    for _ in range(45):
        timeline.step()
        check_same(timeline, make)
    assert timeline.machine.harts[0].pending(7)  # MTIP


def test_one_engine_goes_on_where_the_other_was():
    timeline = Timeline(guest("hello-s"), 500)
    timeline.run(8000)
    timeline.goto(3210)
    timeline.machine.harts[0].use("python")
    timeline.goto(4321)
    check_same(timeline, lambda: guest("hello-s"))


# --- stops ----------------------------------------------------------------------------------------


@ENGINES
def test_run_back_meets_the_same_stops_in_reverse(engine):
    source = programs.LOOP.replace("li s0, 50", "li s0, 9")
    timeline = Timeline(programs.machine(source, engine), 30)
    machine = timeline.machine
    for name in ("add", "here", "handler"):
        machine.stops.add_breakpoint(programs.symbol(machine, name))
    machine.stops.watch_csr("mscratch")
    machine.stops.watch_memory(programs.symbol(machine, "data"), 8, "w")
    met = []
    while (end := timeline.run()).reason != "exit":
        met.append((timeline.position, end.reason, digest(machine)))
    assert len(met) == 5 * 9
    for position, reason, state in reversed(met):
        assert timeline.run_back().reason == reason
        assert (timeline.position, digest(machine)) == (position, state)
    assert timeline.run_back() == End("start")
    assert timeline.position == timeline.start


@pytest.mark.parametrize("stop", ["breakpoint", "watchpoint"])
def test_a_stop_leaves_no_trace(stop):
    """Looking up the code or the data marked A and D bits; the instant does not show it."""
    timeline = Timeline(programs.machine(programs.PAGED, boot="s"))
    machine = timeline.machine
    if stop == "breakpoint":
        machine.stops.add_breakpoint(programs.symbol(machine, "there"))
    else:
        machine.stops.watch_memory(programs.symbol(machine, "cell"))
    assert timeline.run().reason == stop
    check_same(timeline, lambda: programs.machine(programs.PAGED, boot="s"))


def test_a_run_passes_the_stop_where_it_starts():
    timeline = Timeline(programs.machine(programs.LOOP), 50)
    place = programs.symbol(timeline.machine, "add")
    timeline.machine.stops.add_breakpoint(place)
    timeline.run()
    first = timeline.position
    timeline.goto(timeline.start)
    timeline.goto(first)
    assert timeline.run() == BREAK and timeline.position > first
    timeline.goto(first)
    timeline.step()
    assert timeline.position.ticks == first.ticks + 1


def test_goto_and_step_do_not_stop():
    timeline = Timeline(programs.machine(programs.LOOP), 50)
    timeline.machine.stops.add_breakpoint(programs.symbol(timeline.machine, "add"))
    assert timeline.goto(200) == End("budget") and timeline.position.ticks == 200
    assert timeline.step(20).reason in ("budget", "trap")


# --- input ----------------------------------------------------------------------------------------


def echo(engine: str = "jit") -> Machine:
    return programs.machine(programs.ECHO, engine)


@ENGINES
def test_input_is_given_again_at_the_same_instants(engine):
    machine = echo(engine)
    incoming = [b"", b"a", b"", b"", b"bc", b""]
    machine.poll = lambda: incoming.pop(0) if incoming else b""
    timeline = Timeline(machine, 30)
    states = {}
    while incoming:
        if timeline.run(7).reason == "budget":
            states[timeline.position] = digest(machine)
    machine.feed(b"d")  # from outside a round
    timeline.run(9)
    machine.console.feed(b"q")  # by the other door
    timeline.run(3)
    states[timeline.position] = digest(machine)
    assert timeline.run() == End("exit", 5)
    states[timeline.position] = digest(machine)
    assert machine.console.output == b">aabbccddqq"
    order = list(states)
    random.Random(3).shuffle(order)
    for position in order:
        timeline.goto(position)
        assert digest(machine) == states[position]
    timeline.goto(0)
    assert timeline.run() == End("exit", 5)
    assert digest(machine) == states[max(states)]


def test_an_open_request_for_input_does_not_reach_into_the_past():
    def make() -> Machine:
        machine = programs.machine(programs.GETCHAR)
        machine.feed(b"ab")
        return machine

    timeline = Timeline(make(), 20)
    timeline.run(500)
    assert timeline.machine.console.output == b"ab"  # and it asks for a third
    for tick in (3, 10, 20, 21, 40, 60, 2):
        timeline.goto(tick)
        check_same(timeline, make)


def test_other_input_in_the_past_is_another_future():
    timeline = Timeline(echo(), 20)
    machine = timeline.machine
    timeline.run()
    machine.feed(b"a")
    timeline.run(10)
    fork = timeline.position
    machine.feed(b"bq")
    assert timeline.run() == End("exit", 5)
    assert machine.console.output == b">aabbqq"
    assert timeline.snapshots[-1] > fork
    timeline.goto(fork.ticks - 1)
    machine.feed(b"xq")
    assert timeline.end == timeline.position  # what came later is gone
    assert timeline.run() == End("exit", 5)
    assert machine.console.output == b">aaxxqq"
    last = digest(machine)
    timeline.goto(5)
    timeline.run()
    assert digest(machine) == last


def test_no_live_input_is_asked_for_in_the_past():
    timeline = Timeline(echo(), 20)
    machine = timeline.machine
    machine.feed(b"ab")
    timeline.run(60)
    asked = []
    machine.poll = lambda: asked.append(machine.instant) or b""
    end = timeline.end
    timeline.goto(3)
    timeline.run(20)
    assert asked == []
    assert timeline.run().reason == "input"
    assert asked and min(asked) >= end


# --- what is told once ----------------------------------------------------------------------------


def test_sink_and_trap_observer_hear_of_everything_once():
    plain = guest("timer")
    traps: list[Instant] = []
    plain.on_trap = lambda hart: traps.append(plain.instant)
    plain.run()
    machine = guest("timer")
    printed, seen = bytearray(), []
    machine.console.sink = printed.extend
    machine.on_trap = lambda hart: seen.append(machine.instant)
    timeline = Timeline(machine, 1000)
    for tick in (3000, 100, 500_000, 200, 400_000):
        timeline.goto(tick)
        timeline.reverse_step(2)
        timeline.step()
        timeline.run_back()
    timeline.run()
    assert bytes(printed) == machine.console.output == plain.console.output
    assert seen == traps


def test_counts_are_those_of_the_instant():
    timeline = Timeline(guest("hello-s"), 1000)
    timeline.run()
    assert timeline.machine.calls["debug_console_write_byte"] > 100 or timeline.machine.exits["sbi"]
    timeline.goto(0)
    assert timeline.machine.exits["sbi"] == 0 and not timeline.machine.calls
    assert timeline.machine.console.output == b""


# --- snapshots ------------------------------------------------------------------------------------


def test_unchanged_pages_are_kept_once():
    machine = Machine(64 << 20).load(guests.path("bench-calls"))
    timeline = Timeline(machine, 100_000)
    first = timeline._history.bytes
    timeline.run(3_000_000)
    assert len(timeline.snapshots) == 31
    assert timeline._history.bytes - first < 31 * 4 * 4096  # the stack's few pages


def test_a_small_limit_thins_the_snapshots_and_changes_nothing():
    timeline = Timeline(guest("paging"), 500, limit=400_000)
    timeline.run()
    assert timeline.every > 500
    assert 3 < len(timeline.snapshots) < 60
    assert timeline.snapshots == sorted(timeline.snapshots)
    for tick in (60_000, 100, 33_333, 12_345, 50_001):
        timeline.goto(tick)
        check_same(timeline, lambda: guest("paging"))


def test_a_timeline_may_begin_in_the_middle_and_after_another():
    machine = guest("paging")
    machine.run(20_000)
    Timeline(machine, 1000).run(10_000)
    timeline = Timeline(machine, 1000)
    start = timeline.position
    timeline.run(10_000)
    timeline.goto(start.ticks + 5000)
    check_same(timeline, lambda: guest("paging"))
    timeline.goto(start)
    check_same(timeline, lambda: guest("paging"))
    with pytest.raises(ConfigError, match="begins at tick"):
        timeline.goto(start.ticks - 1)


def test_what_was_run_without_the_timeline_is_found_again():
    timeline = Timeline(guest("paging"), 1000)
    timeline.machine.run(12_345)
    timeline.run(5000)
    timeline.goto(3000)
    timeline.machine.run(4000)
    timeline.goto(12_000)
    check_same(timeline, lambda: guest("paging"))
    timeline.goto(3000)
    timeline.machine.run(20_000)  # beyond the end
    timeline.run(5000)
    for tick in (27_500, 9000, 23_500, 25_500, 17_000):
        timeline.goto(tick)
        check_same(timeline, lambda: guest("paging"))


# --- ends -----------------------------------------------------------------------------------------


def test_the_end_is_an_instant_as_any_other():
    timeline = Timeline(programs.machine(programs.LOOP), 50)
    assert timeline.run() == End("exit", 7)
    end, state = timeline.position, digest(timeline.machine)
    assert timeline.run() == timeline.step() == timeline.goto(end.ticks + 100) == End("exit", 7)
    timeline.goto(10)
    assert timeline.machine.ended is None
    assert timeline.goto(end.ticks + 1) == End("exit", 7)
    assert (timeline.position, digest(timeline.machine)) == (end, state)


def test_a_deadlock_is_left_by_input():
    timeline = Timeline(echo(), 20)
    assert timeline.run() == End("deadlock")
    waiting = timeline.position
    timeline.reverse_step(3)
    assert timeline.run() == End("deadlock") and timeline.position == waiting
    timeline.machine.feed(b"q")
    assert timeline.run() == End("exit", 5)


def test_a_run_can_be_cancelled():
    timeline = Timeline(programs.machine("_start: j _start"), 1000)
    machine = timeline.machine
    machine.poll = lambda: setattr(timeline, "cancelled", machine.ticks >= 2_000_000) or b""
    assert timeline.run() == End("interrupted")
    assert machine.ticks < 3_000_000


@pytest.mark.parametrize("every", [0, -5])
def test_mistakes_are_named(every):
    with pytest.raises(ConfigError, match="snapshot every"):
        Timeline(programs.machine(programs.LOOP, "python"), every)
