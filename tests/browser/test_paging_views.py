"""The explorer of two translations in JupyterLab, by mouse and by keyboard."""

from __future__ import annotations

from tests.browser.test_views import START, show  # noqa: F401

EXPLORER = START + """
from minihv.chapters.ch05 import PagingExplorer
from minihv.vmm import VM, SyncedShadowPaging


def boot():
    return VM(guests.path("labos"), paging=SyncedShadowPaging(), memory=32 << 20,
              append="workload=churn n=5 pages=4")


view = PagingExplorer(boot, 250)
view"""


def test_the_explorer_moves_from_exit_to_exit(show):  # noqa: F811
    shown = show(EXPLORER, "explorer")
    shown.do("next").click()
    shown.reads(".mhv-bar", "exit 251 of")
    shown.page.keyboard.press("p")
    shown.reads(".mhv-bar", "exit 250 of")
    shown.find("select").first.select_option("fill")
    shown.do("next").click()
    shown.reads(".mhv-story", "Hidden fault")
    shown.reads(".mhv-side[data-side=shadow]", "filled by this exit")
    shown.reads(".mhv-side[data-side=guest]", "write-protected")
    at = shown.kernel("view.replay.position")
    shown.page.keyboard.press("b")
    shown.reads(".mhv-story", "About to be handled")
    shown.do("before").click()
    shown.reads(".mhv-side[data-side=shadow]", "filled by this exit")
    shown.reads(".mhv-counts", "hidden faults")
    assert shown.kernel("view.replay.event.kind") == "fill"
    shown.find(".mhv-grid").focus()
    page = shown.kernel("view.state['page']")
    shown.page.keyboard.press("ArrowRight")
    shown.reads(".mhv-cell-said", f"Page {page + 1}:")
    shown.find("input[type=text]").fill("0x80600123")
    shown.page.keyboard.press("Enter")
    shown.reads(".mhv-side[data-side=guest]", "2 MiB at 0x80600000")
    shown.find("input[type=text]").fill("nowhere")
    shown.page.keyboard.press("Enter")
    shown.reads(".mhv-said", "'nowhere' is not an address")
    shown.do("follow").click()
    shown.page.wait_for_function(
        "() => document.querySelector('.mhv-explorer [data-do=follow]').ariaDisabled === 'true'")
    assert shown.kernel("view.replay.position") == at
    shown.is_well_made("explorer")

GRID = START + """
from minihv.chapters.ch06 import WalkGrid
from minihv.vmm import VM, HardwareAssist, NestedPaging

vm = VM(guests.path("labos"), cpu=HardwareAssist(), paging=NestedPaging(), memory=32 << 20,
        append="workload=memory pages=64")
vm.run(1_500_000)
view = WalkGrid(vm.physical, 0x200000)
view"""


def test_the_grid_is_stepped_through(show):  # noqa: F811
    shown = show(GRID, "grid2")
    shown.do("next").click()
    shown.reads(".mhv-said", "Reference 1 reads entry")
    shown.page.keyboard.press("n")
    shown.reads(".mhv-count", "2 of 15")
    shown.page.keyboard.press("p")
    shown.reads(".mhv-count", "1 of 15")
    shown.find("[data-number='9']").click()
    shown.reads(".mhv-count", "9 of 15")
    assert shown.kernel("view.shown") == 9
    assert shown.find("td[data-read]").count() == 9
    shown.find("input[type=text]").fill("0x7fff0000")
    shown.page.keyboard.press("Enter")
    shown.reads(".mhv-count", "0 of ")
    shown.do("all").click()
    shown.reads(".mhv-said", "page fault")
    shown.find("input[type=text]").fill("0x200000")
    shown.page.keyboard.press("Enter")
    shown.reads(".mhv-count", "of 15")
    shown.find("[data-number='9']").click()
    shown.reads(".mhv-count", "9 of 15")
    shown.is_well_made("walk-grid")
