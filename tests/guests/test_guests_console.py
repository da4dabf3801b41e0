"""The comparison itself: it must see a wrong number, a missing line and a line too many."""

import pytest

from tests.guests.console import expected, mismatch


def test_marks_match_what_they_stand_for():
    assert mismatch("a {n} b {text}\nc\n", "a 17 b x y (z)\r\nc\r\n") is None
    assert mismatch("0x1.\n", "0x1.\n") is None


@pytest.mark.parametrize("output", [
    "a x b\nc\n", "a -1 b\nc\n", "a 1 b\n", "a 1 b\nc\nd\n", "", "A 1 b\nc\n", "a 1 b \nc\n",
])
def test_faults_are_seen(output):
    assert mismatch("a {n} b\nc\n", output)


def test_a_fault_names_its_line():
    wrong = expected("timer").replace("{n}", "5").replace("0000003", "0000004")
    assert "line 6: expected 'machine software interrupt" in mismatch(expected("timer"), wrong)
