"""Breakpoints, watchpoints, single steps: a run stops before the instruction, and goes on."""

from __future__ import annotations

import pytest

from minihv import guests
from minihv.devices.virt import End, Machine
from minihv.errors import ConfigError
from minihv.hw import regions
from minihv.hw.bits import MASK64
from tests.devices import programs
from tests.devices.digest import digest

ENGINES = pytest.mark.parametrize("engine", ["jit", "python"])
BREAK, WATCH = End("breakpoint"), End("watchpoint")


def stop_all(machine: Machine) -> list[int]:
    """Run on from stop to stop; the pcs of all of them."""
    places = []
    while (end := machine.run(100_000)).reason in ("breakpoint", "watchpoint"):
        places.append(machine.harts[0].pc & MASK64)
    assert end.reason == "exit"
    return places


@ENGINES
def test_a_breakpoint_stops_every_time_and_changes_nothing(engine):
    machine, plain = (programs.machine(programs.LOOP, engine) for _ in range(2))
    place = programs.symbol(machine, "add")
    machine.stops.add_breakpoint(place)
    assert stop_all(machine) == [place] * 50
    plain.run()
    assert digest(machine) == digest(plain)


@ENGINES
def test_a_breakpoint_at_the_handler_of_the_instruction_one_stands_at(engine):
    """The trap moves no clock, and still it is another stop."""
    machine = programs.machine(programs.LOOP, engine)
    here, handler = programs.symbol(machine, "here"), programs.symbol(machine, "handler")
    machine.stops.add_breakpoint(here)
    machine.stops.add_breakpoint(handler)
    assert stop_all(machine) == [here, handler] * 50


@ENGINES
def test_a_breakpoint_behind_a_call_of_the_host(engine):
    machine = programs.machine(programs.CALLS, engine, "s")
    first = programs.symbol(machine, "again")
    for k in range(3):
        machine.stops.add_breakpoint(first + 4 * k)
    machine.run(1000)
    places = [machine.harts[0].pc]
    for _ in range(2):
        assert machine.run(1000) == BREAK
        places.append(machine.harts[0].pc)
    assert places == [first, first + 4, first + 8]


@ENGINES
def test_a_breakpoint_in_code_that_runs_already(engine):
    machine = programs.machine(programs.LOOP, engine)
    machine.run(100)
    place = programs.symbol(machine, "round")
    machine.stops.add_breakpoint(place)
    assert machine.run(100_000) == BREAK and machine.harts[0].pc == place
    machine.stops.remove_breakpoint(place)
    assert machine.run(100_000) == End("exit", 7)


def test_a_breakpoint_in_code_that_was_translated(monkeypatch):
    for name, value in (("HOT", 1), ("SOON", 50), ("LATE", 50), ("PATIENCE", 0)):
        monkeypatch.setattr(regions, name, value)
    machine = programs.machine(programs.LOOP.replace("li s0, 50", "li s0, 1000"))
    machine.run(3000)
    assert machine.memory.regions is not None and machine.memory.regions.count > 0
    place = programs.symbol(machine, "load")  # in the middle of a block
    machine.stops.add_breakpoint(place)
    assert machine.run(100_000) == BREAK and machine.harts[0].pc == place
    with machine.stops.suspended():  # long enough to be translated again
        assert machine.run(3000) == End("budget")
    rounds = []
    while len(rounds) < 20:
        assert machine.run(100_000) == BREAK and machine.harts[0].pc == place
        rounds.append(machine.harts[0].x[8])
    assert rounds == list(range(rounds[0], rounds[0] - 20, -1))


@ENGINES
def test_suspended_stops_come_back(engine):
    machine = programs.machine(programs.LOOP, engine)
    place = programs.symbol(machine, "add")
    machine.stops.add_breakpoint(place)
    machine.stops.watch_memory(programs.symbol(machine, "data"), 8, "w")
    machine.stops.watch_csr("mscratch")
    with machine.stops.suspended():
        assert machine.run(100) == End("budget")
    assert {machine.run(100_000).reason for _ in range(3)} == {"breakpoint", "watchpoint"}


@ENGINES
@pytest.mark.parametrize(
    "kinds,offset,size,expected",
    [
        ("w", 0, 8, ["store"]),
        ("r", 0, 8, ["load"]),
        ("rw", 0, 8, ["store", "load"]),
        ("w", 7, 1, ["store"]),
        ("r", 4, 1, ["load"]),
        ("rw", 8, 8, []),  # the doubleword behind
        ("r", 0, 4, []),  # the load takes bytes 4 to 7
    ],
)
def test_watching_memory(engine, kinds, offset, size, expected):
    machine = programs.machine(programs.LOOP, engine)
    machine.run(30)  # the TLB holds the page by now
    places = {name: programs.symbol(machine, name) for name in expected}
    machine.stops.watch_memory(programs.symbol(machine, "data") + offset, size, kinds)
    met = stop_all(machine)
    assert met[: 2 * len(expected)] in ([places[name] for name in expected] * 2,
                                        [places[name] for name in reversed(expected)] * 2)
    assert bool(met) == bool(expected)


@ENGINES
def test_watching_an_atomic(engine):
    code = "_start: la t0, cell\n again: amoadd.d a1, a0, (t0)\n lr.d a2, (t0)\n j again\n"
    machine = programs.machine(code + ".data\ncell: .dword 0", engine)
    again = programs.symbol(machine, "again")
    machine.stops.watch_memory(programs.symbol(machine, "cell"), 8, "w")
    machine.run(1000)
    machine.run(1000)
    assert machine.harts[0].pc == again
    machine.stops.clear()
    machine.stops.watch_memory(programs.symbol(machine, "cell"), 8, "r")
    places = []
    for _ in range(2):
        assert machine.run(1000) == WATCH
        places.append(machine.harts[0].pc)
    assert sorted(places) == [again, again + 4]  # an AMO reads as well


@ENGINES
def test_watching_a_csr(engine):
    machine = programs.machine(programs.LOOP, engine)
    machine.stops.watch_csr("mscratch")
    handler = programs.symbol(machine, "handler")
    assert stop_all(machine) == [handler + 12] * 50


@ENGINES
def test_stops_on_all_harts(engine):
    source = "_start: addi a5, a5, 1\n there: addi a6, a6, 1\n j there"
    machine = programs.machine(source, engine, harts=3)
    machine.stops.add_breakpoint(programs.symbol(machine, "there"))
    met = set()
    while len(met) < 3:
        assert machine.run(1_000_000) == BREAK
        met.add(machine.hart.id)
        if machine.hart.x[16] > 10:
            machine.run(100)  # get out of here
            with machine.stops.suspended():
                machine.run(20_000)
    assert met == {0, 1, 2}


# --- steps --------------------------------------------------------------------------------------


@ENGINES
def test_a_step_is_an_instruction_or_a_trap(engine):
    machine = programs.machine(programs.LOOP, engine)
    machine.stops.add_breakpoint(programs.symbol(machine, "here"))
    machine.run(1000)
    hart, before = machine.harts[0], machine.instructions
    assert machine.step() == End("trap")
    assert hart.pc == programs.symbol(machine, "handler") and machine.instructions == before
    assert machine.step() == End("budget")
    assert hart.pc == programs.symbol(machine, "handler") + 4
    assert machine.step(4) == End("budget")
    assert hart.pc == programs.symbol(machine, "after")


@ENGINES
def test_a_step_passes_a_breakpoint_and_serves_a_call(engine):
    machine = programs.machine(programs.CALLS, engine, "s")
    place = programs.symbol(machine, "again")
    while machine.harts[0].pc != place:
        machine.step()
    machine.stops.add_breakpoint(place)  # no run has met it yet
    assert machine.step() == End("trap") and machine.harts[0].pc == place + 4
    assert machine.calls == {"probe_extension": 1}


@ENGINES
@pytest.mark.parametrize("name", ["hello-s", "timer"])
def test_single_steps_end_where_a_run_ends(engine, name):
    stepped, ran = (Machine(8 << 20, engine=engine).load(guests.path(name)) for _ in range(2))
    assert ran.run(3000) == End("budget")
    while stepped.executed < ran.executed:
        stepped.step()
    assert digest(stepped) == digest(ran)


@ENGINES
def test_on_trap_sees_every_trap(engine):
    machine = programs.machine(programs.LOOP, engine)
    seen = []
    machine.on_trap = lambda hart: seen.append((hart.clock, hart.pc))
    assert machine.run() == End("exit", 7)
    assert len(seen) == 50 and {pc for _, pc in seen} == {programs.symbol(machine, "handler")}


@ENGINES
def test_on_trap_sees_a_device_that_refuses(engine):
    source = "_start: la t0, h\n csrw mtvec, t0\n lw a0, 64(zero)\nh: wfi\n j h"
    machine = programs.machine(source, engine)
    seen = []
    machine.on_trap = lambda hart: seen.append(hart.csr["mcause"])
    assert machine.run(1000) == End("deadlock")
    assert seen == [5]


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mistake",
    [
        lambda stops: stops.add_breakpoint(0x80000001),
        lambda stops: stops.remove_breakpoint(0x80000000),
        lambda stops: stops.watch_memory(0x10000000, 8),
        lambda stops: stops.watch_memory(0x803FFFFC, 8),
        lambda stops: stops.watch_memory(0x80000000, 0),
        lambda stops: stops.watch_memory(0x80000000, 8, "x"),
        lambda stops: stops.unwatch_memory(0x80000000),
        lambda stops: stops.watch_csr("nonsense"),
        lambda stops: stops.unwatch_csr("mstatus"),
        lambda stops: [stops.add_breakpoint(0x80000000 + 2 * k) for k in range(17)],
        lambda stops: [stops.watch_memory(0x80000000 + 2 * k) for k in range(17)],
    ],
)
def test_mistakes_are_named(mistake):
    with pytest.raises(ConfigError):
        mistake(programs.machine(programs.LOOP, "python").stops)


def test_removing_a_watch_keeps_tohost_slow():
    machine = Machine(1 << 20, engine="python")
    code = "_start: li t0, 1\n la t2, tohost\n sd t0, 8(t2)\n sd t0, 8(t2)\n sd t0, 0(t2)\n j ."
    machine.load(programs.assemble(code + "\n.data\n.align 12\ntohost: .dword 0").elf())
    machine.stops.watch_memory(programs.symbol(machine, "tohost"))
    machine.stops.clear()
    assert machine.run(1000) == End("exit", 0)
