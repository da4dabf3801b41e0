"""ExitView and the timeline of a VM, in JupyterLab by mouse and by keyboard."""

from __future__ import annotations

from tests.browser.test_views import ASK, settled, show  # noqa: F401

START = """from minihv import guests
from minihv.chapters.ch01 import TrapTimeline
from minihv.chapters.ch02 import ExitView, record_exits
from minihv.vmm import VM
vm = VM(guests.path("labos"), memory=16 << 20, append="workload=syscalls n=2000")
"""
EXITS = START + "view = ExitView(vm)\nview"
VM_TIMELINE = START + "view = TrapTimeline(record_exits(vm, 600))\nview"


def test_exits_by_mouse(show):  # noqa: F811
    view = show(EXITS, "exits")
    assert view.kernel("sum(vm.exits.values())") == 0
    view.do("run").click()
    view.reads("[role=status]", "The run has ended: exit.")
    assert view.kernel("vm.exits['csr']") == 12_075
    view.reads("[data-reason=csr]", "12,075")
    view.find("[data-reason=csr]").click()
    settled(view, "view.chosen", "csr")
    view.reads(".mhv-exitlog h4", "reason csr")
    assert "csrrw" in view.find("tbody").inner_text()
    assert "fill" not in view.find("tbody").inner_text()
    view.is_well_made("exits")
    view.do("all").click()
    settled(view, "view.chosen", "")


def test_exits_by_keyboard_with_a_pause(show):  # noqa: F811
    view = show(EXITS, "exits")
    view.do("run").focus()
    view.page.keyboard.press("r")
    view.reads("[role=status]", "guest instructions")
    view.page.wait_for_function("document.querySelectorAll('.mhv-reason').length > 2")
    view.page.keyboard.press("r")
    view.reads("[data-do=run]", "Run")
    done = view.kernel("vm.instructions")
    view.page.wait_for_timeout(400)
    assert view.kernel("vm.instructions") <= done + 20_000     # at most the slice under way
    view.find(".mhv-reason[tabindex='0']").focus()
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("Enter")
    settled(view, "view.chosen != ''", True)
    view.page.keyboard.press("a")
    settled(view, "view.chosen", "")


def test_the_timeline_of_a_vm(show):  # noqa: F811
    view = show(VM_TIMELINE, "timeline")
    view.is_well_made("timeline-vm")
    assert view.kernel("view.modes") == ["host", "vS", "vU"]
    view.find(".mhv-chart").focus()
    view.page.keyboard.press("End")
    view.reads("[role=status]", "Event 600 of 600")
    first = view.kernel("view.events[-60].clock")
    view.page.evaluate(ASK, f"view.window = [{first}, {first} + 60]")
    view.reads(".mhv-note", f"ticks {first:,} to")
    view.page.wait_for_timeout(300)
    view.lab.screenshot("view-timeline-vm-single")
