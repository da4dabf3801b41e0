"""StacksView in JupyterLab: by mouse, by keyboard, well made in both themes."""

from __future__ import annotations

from pathlib import Path

from tests.browser.harness import Lab
from tests.browser.test_views import START, Shown

CELL = START + """
view = StacksView({"process": {"calls": 2}, "container": {"calls": 2},
                   "vm": {"calls": 3.7, "exits": 103.04, "sbi": 23.1, "csr": 34.12, "fill": 33.3},
                   "microvm": {"calls": 3.7, "exits": 24.8, "sbi": 23.1, "wait": 1.7}})
view"""


def test_a_form_is_chosen_by_mouse_and_by_keyboard(lab: Lab, tmp_path: Path):
    shown = Shown(lab, tmp_path, CELL, "stacks")
    shown.reads(".mhv-stacks-said", "Choose a form")
    shown.find("[data-form=container]").click()
    shown.reads(".mhv-stacks-said", "a narrower door")
    assert shown.find("[data-form=container]").get_attribute("aria-pressed") == "true"
    assert shown.kernel("view.chosen") == "container"
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("Enter")
    shown.reads(".mhv-stacks-said", "34.12 csr, 33.3 fill, 23.1 sbi")
    assert shown.kernel("view.chosen") == "vm"
    shown.page.keyboard.press("4")
    shown.reads(".mhv-stacks-said", "nothing is behind the door except a console")
    shown.page.keyboard.press("0")
    shown.reads(".mhv-stacks-said", "Choose a form")
    shown.page.keyboard.press("3")
    shown.reads(".mhv-stacks-said", "103 exits")
    shown.is_well_made("stacks")
