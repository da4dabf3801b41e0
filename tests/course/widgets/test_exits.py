"""Recorded exits and ExitView's kernel side: each exit once, and the run left as it was."""

from __future__ import annotations

from collections import Counter

import pytest

from minihv import guests
from minihv.chapters.ch01 import TrapTimeline
from minihv.chapters.ch01.views.lanes import runs_after
from minihv.chapters.ch02 import ExitView, record_exits
from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.vmm import VM, HardwareAssist, Reason

TICKS, MEMORY = "workload=ticks n=3", 16 << 20


def vm(cpu=None, append=TICKS):
    return VM(guests.path("labos"), cpu=cpu and cpu(), memory=MEMORY, append=append)


@pytest.mark.parametrize("cpu", [None, HardwareAssist])
def test_exits_and_entries_alternate_and_leave_the_run_as_it_was(cpu):
    plain, watched = vm(cpu), vm(cpu)
    plain.run()
    events = record_exits(watched, 100_000)
    assert watched.harts[0].clock == plain.harts[0].clock
    assert watched.console.output == plain.console.output
    assert "enter" not in vars(watched.cpu) and "note" not in vars(watched.exits)
    for event, after in zip(events, events[1:], strict=False):
        assert after.origin == runs_after(event)
        assert after.clock >= event.clock
    left = Counter(event.cause.partition(":")[0] for event in events if event.kind == "vmexit")
    assert left == {str(reason): n for reason, n in watched.exits.items()}


def test_deprivileged_modes_are_virtual_and_interrupts_are_injected():
    events = record_exits(vm(append="workload=compute n=30"), 100_000)
    assert {event.origin for event in events} == {"host", "vS", "vU"}
    injected = [event for event in events if event.kind == "inject"]
    assert {event.cause for event in injected} == {"Supervisor timer interrupt"}
    assert {(event.origin, event.target) for event in injected} == {("host", "vS")}
    called = [event for event in events if event.cause == "Environment call from U-mode"]
    assert {(event.kind, event.target) for event in called} == {("vmentry", "vS")}
    view = TrapTimeline(events)
    assert view.modes == ["host", "vS", "vU"]
    assert all("line" in lane for lane in view.lanes[1:]) and "line" not in view.lanes[0]
    assert "Outline" in view.picture()


def test_inside_guest_mode_nothing_is_seen():
    view = TrapTimeline(record_exits(vm(HardwareAssist), 500))
    assert view.modes == ["host", "V"]
    assert "Outline" not in view.picture()


def test_a_view_counts_what_the_vm_counts_and_ends_with_it():
    one, other = vm(), vm()
    other.run()
    view = ExitView(one)
    assert view.state["total"] == 0 and "0 exits" in view.text()
    end = view.run(1_000_000)
    assert end.reason == "exit" and "The run has ended: exit." in view.text()
    counts = {bar["reason"]: bar["count"] for bar in view.state["bars"]}
    assert {k: n for k, n in counts.items() if k != Reason.SLICE} == {
        str(k): n for k, n in other.exits.items() if k != Reason.SLICE}
    assert [bar["count"] for bar in view.state["bars"]] == sorted(counts.values(), reverse=True)
    assert view.picture().count("<rect") >= len(counts)


def test_a_slice_at_a_time_until_the_page_says_no_more():
    view = ExitView(vm())
    view.obey({"do": "run"})
    assert view.state["running"] and 0 < view.vm.instructions <= 20_000
    view.obey({"do": "pause"})
    assert not view.state["running"]
    view.obey({"do": "nonsense"})


def test_the_log_shows_one_reason_alone():
    view = ExitView(vm())
    view.run(150_000)
    view.obey({"do": "choose", "with": "fence"})
    assert view.chosen == "fence"
    assert {line["reason"] for line in view.state["log"]} == {"fence"}
    assert view.state["log"][0]["what"].startswith("sfence.vma")
    view.choose("")
    assert len({line["reason"] for line in view.state["log"]}) > 1
    with pytest.raises(ConfigError, match="no reason 'hunger': choose of csr"):
        view.choose("hunger")


def test_a_bare_machine_has_no_exits_to_show():
    with pytest.raises(ConfigError, match="ExitView wants a VM, not Machine"):
        ExitView(Machine(MEMORY))


def test_every_reason_has_its_words():
    view = ExitView(vm())
    assert all(view.words[f"why_{reason}"] for reason in Reason)
