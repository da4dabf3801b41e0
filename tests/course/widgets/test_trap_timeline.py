"""TrapTimeline's kernel side and its recorder: each switch is seen, at its clock, once."""

from __future__ import annotations

import struct
from collections import Counter

import pytest

from minihv import guests
from minihv.asm import assemble
from minihv.chapters.ch01 import Event, TrapTimeline, record_traps
from minihv.chapters.ch01.views.lanes import runs_after
from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.hw import state as st

LOOP = """
_start: la   t0, handler
        csrw mtvec, t0
        la   t0, user
        csrw mepc, t0
        li   t0, -1
        csrw pmpaddr0, t0
        li   t0, 31
        csrw pmpcfg0, t0
        mret
user:   ecall
        nop
        j user
        .balign 4
handler: csrr t1, mepc
        addi t1, t1, 4
        csrw mepc, t1
        mret
"""


def machine(source: str = LOOP) -> Machine:
    return Machine(1 << 20, engine="python").load(assemble(source).elf(), boot="m")


def test_each_trap_and_return_is_an_event_at_its_clock():
    """10 instructions to the first mret; then ecall, and 4 of the handler, and nop and j."""
    events = record_traps(machine(), 5)
    start = events[0].clock
    assert events == [
        Event(start, "M", "U", "mret", "return"),
        Event(start, "U", "M", "Environment call from U-mode", "exception"),
        Event(start + 4, "M", "U", "mret", "return"),
        Event(start + 6, "U", "M", "Environment call from U-mode", "exception"),
        Event(start + 10, "M", "U", "mret", "return")]


@pytest.mark.parametrize("guest", ["labos", "labos-m", "timer", "syscalls"])
def test_the_modes_of_a_real_run_join_up(guest: str):
    recorded = record_traps(Machine(64 << 20).load(guests.path(guest)), 800)
    assert len(recorded) > 20
    for event, after in zip(recorded, recorded[1:], strict=False):
        assert after.origin == runs_after(event), after
        assert after.clock >= event.clock


def test_recording_sees_every_trap_and_leaves_the_run_as_it_was():
    plain, watched = (Machine(64 << 20).load(guests.path("timer")) for _ in range(2))
    plain.run()
    events = record_traps(watched, 10_000)
    assert watched.console.output == plain.console.output
    assert watched.harts[0].clock == plain.harts[0].clock
    taken = sum(watched.harts[0].s[st.TRAP_COUNT + k] for k in range(64))
    assert sum(event.kind in ("exception", "interrupt") for event in events) == taken
    assert not watched.stops.breakpoints and watched.on_trap is None
    assert "call" not in vars(watched.sbi)


def test_calls_of_the_host_are_exits():
    board = Machine(64 << 20).load(guests.path("labos"))
    events = record_traps(board, 200)
    exits = [event for event in events if event.kind == "exit"]
    assert len(exits) == board.exits["sbi"] > 0
    assert {(event.origin, event.target) for event in exits} == {("S", "host")}
    assert exits[0].cause.startswith("Environment call from S-mode (")


def test_a_run_without_traps_ends():
    assert record_traps(machine("_start: j _start"), 10, most=5000) == []


def test_shares_are_of_time():
    view = TrapTimeline([(0, "U", "S", "a", "exception"), (30, "S", "host", "b", "exit"),
                         (40, "S", "U", "sret", "return"), (100, "U", "S", "a", "exception")])
    assert view.shares() == {"host": 0, "S": 0.4, "U": 0.6}
    assert view.by_cause()[0] == ("a", 2)
    assert view.modes == ["host", "S", "U"]


def test_the_time_of_a_guest_that_waits_is_nobodys():
    view = TrapTimeline([(0, "host", "vU", "VM entry", "vmentry"),
                         (20, "vU", "host", "csr: Illegal instruction", "vmexit"),
                         (21, "host", "vS", "VM entry", "vmentry"),
                         (30, "vS", "host", "wait: Illegal instruction", "vmexit"),
                         (100, "host", "vS", "VM entry", "vmentry")])
    assert view.shares() == {"host": 0.01, "vS": 0.09, "vU": 0.2, "asleep": 0.7}
    assert view.modes == ["host", "vS", "vU"]
    assert [lane["mode"] for lane in view.lanes] == ["host", "vS", "vU", "asleep"]
    assert [view.causes[number] for number in view.asleep] == ["wait: Illegal instruction"]
    assert "asleep 70.0%" in view.text() and ">asleep</text>" in view.picture()


def test_a_span_may_be_longer_than_the_events():
    events = [(10, "U", "S", "a", "exception"), (30, "S", "U", "sret", "return")]
    view = TrapTimeline(events, span=(0, 50))
    assert view.span == view.window == [0, 50]
    assert view.shares() == {"S": 0.5, "U": 0.5}
    with pytest.raises(ConfigError, match="from tick 10 to 30"):
        TrapTimeline(events, span=(0, 20))


def test_what_the_page_gets_is_the_events():
    events = [Event(0, "U", "S", "a", "exception"), Event(2**52, "S", "U", "sret", "return")]
    view = TrapTimeline(events)
    clocks = struct.unpack("<2d", view.packed[:16])
    assert clocks == (0.0, 2.0**52)
    assert struct.unpack("<2H", view.packed[16:20]) == (0, 1)
    assert list(view.packed[20:]) == [1, 0, 0, 1, 0, 2]
    assert [lane["mode"] for lane in view.lanes] == ["S", "U"]


def test_the_window_selects():
    view = TrapTimeline([(k, "U", "S", "a", "exception") for k in range(10)])
    assert view.window == [0, 9] and len(view.shown) == 10
    view.window = [2.5, 5]
    assert [event.clock for event in view.shown] == [3, 4, 5]


def test_a_hundred_thousand_events_are_drawn():
    modes = ("U", "S")
    events = [(3 * k, modes[k % 2], modes[1 - k % 2], "a", "exception") for k in range(100_000)]
    view = TrapTimeline(events)
    assert len(view.packed) == 13 * 100_000
    assert len(view.picture()) < 60_000
    assert Counter(view.causes) == {"a": 1}


@pytest.mark.parametrize(("events", "message"), [
    ([(0, "Q", "S", "a", "exception")], "no mode 'Q'"),
    ([(0, "U", "S", "a", "surprise")], "no kind 'surprise'"),
    ([(5, "U", "S", "a", "return"), (4, "S", "U", "a", "return")], "event 1: clock 4"),
])
def test_events_that_cannot_be_are_named(events, message):
    with pytest.raises(ConfigError, match=message):
        TrapTimeline(events)


@pytest.mark.parametrize("events", [[], [(7, "U", "S", "a", "exception")]])
def test_few_events_are_drawn_too(events):
    view = TrapTimeline(events)
    assert view.text() and view.picture().startswith("<svg")
