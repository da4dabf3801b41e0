"""StacksView's kernel side: what it draws and tells of the counts that it is given."""

import re

import pytest

from minihv.chapters.ch16 import StacksView
from minihv.errors import ConfigError

CROSSED = {"process": {"calls": 2}, "vm": {"calls": 3.7, "exits": 103.04, "sbi": 23.1, "csr": 80}}


def test_every_form_has_its_stack_and_its_story():
    view = StacksView(CROSSED)
    said = view.text()
    for name in ("Process", "Container", "Virtual machine", "MicroVM"):
        assert name in said
    assert "2 system calls" in said
    assert "Not counted here." in said          # the container and the microVM
    assert "2 system calls" in view.drawing
    assert "103 exits" in view.drawing


def test_choosing_lights_one_and_tells_it():
    view = StacksView(CROSSED)
    full = view.drawing
    view.obey({"do": "choose", "with": "vm"})
    assert view.chosen == "vm"
    assert "80 csr, 23.1 sbi" in view.said      # the most frequent first
    assert view.drawing != full
    assert view.drawing.count('fill-opacity="0.16"') == 3 + 3 + 5
    view.choose("")
    assert view.drawing == full


def test_a_guest_stands_on_more_than_a_process():
    drawn = re.findall(r">([^<>]+)</text>", StacksView().drawing)
    assert drawn.count("guest kernel") == 2
    assert drawn.count("service") == 4
    assert drawn.count("host kernel") == 4


def test_unknown_forms_are_refused():
    with pytest.raises(ConfigError, match="process, container"):
        StacksView({"unikernel": {}})
    with pytest.raises(ConfigError, match="process, container"):
        StacksView().choose("pod")
