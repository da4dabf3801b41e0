"""NamespaceView in JupyterLab, by mouse and by keyboard."""

from __future__ import annotations

import pytest

from tests.browser.test_views import OUTLINE, Shown

CELL = """from minihv.containers import open_kernel
from minihv.chapters.ch15 import NamespaceView
world = open_kernel("model", dirs=("box",))
host = world.init
view = NamespaceView("the host's first process", host=host)
box = host.clone("uts", "pid")
view.look("a hostname and process numbers", box=box)
box = host.clone("uts", "pid", "mnt", "net", "user")
box.mount("t", "/box", "tmpfs")
view.look("mounts, network, users", box=box)
view"""


@pytest.fixture
def show(lab, tmp_path):
    return lambda cell, kind: Shown(lab, tmp_path, cell, kind)


def test_by_mouse(show):
    view = show(CELL, "boxes")
    view.reads("[role=status]", "3/3 mounts, network, users")
    view.find("[data-kind=mnt]").click()
    view.reads("li", "/  tmpfs root")
    assert view.find("[data-kind=mnt]").get_attribute("aria-expanded") == "true"
    view.do("back").click()
    view.reads("[role=status]", "2/3")
    assert view.kernel("view.at") == 1
    view.do("next").click()
    view.reads("[role=status]", "3/3")
    assert view.kernel("[box.sethostname('inner'), 1][1]") == 1
    view.do("look").click()
    view.reads(".mhv-boxes-grid", "inner")
    view.do("live").check()
    view.kernel("[box.sethostname('later'), 1][1]")
    view.reads(".mhv-boxes-grid", "later")
    view.do("live").uncheck()


def test_by_keyboard(show):
    view = show(CELL, "boxes")
    view.find("[data-kind=uts]").focus()
    for _ in range(2):
        view.page.keyboard.press("ArrowDown")
    assert view.page.evaluate("document.activeElement.dataset.kind") == "mnt"
    assert view.page.evaluate(OUTLINE) >= 2
    view.page.keyboard.press("Enter")
    view.reads("li", "/  tmpfs root")
    assert view.page.evaluate("document.activeElement.dataset.kind") == "mnt"
    view.page.keyboard.press("Enter")
    assert view.find("li").count() == 0


def test_how_it_looks(show):
    view = show(CELL, "boxes")
    for kind in ("mnt", "user"):
        view.find(f"[data-kind={kind}]").click()
    view.is_well_made("boxes")
