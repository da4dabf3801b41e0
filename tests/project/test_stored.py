"""tests/stored.py: a stored output that a run no longer gives is found; what may differ is not."""

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_output

from tests.stored import difference


def printed(text: str) -> list[Any]:
    return [new_output("stream", name="stdout", text=text)]


def shown(**data: str) -> list[Any]:
    kinds = {"html": "text/html", "plain": "text/plain", "png": "image/png"}
    return [new_output("display_data", {kinds[name]: text for name, text in data.items()})]


def result(text: str) -> list[Any]:
    return [new_output("execute_result", {"text/plain": text}, execution_count=7)]


def compared(before: list[Any], now: list[Any], source: str = "f()", tags: tuple = ()) -> str:
    cell = new_code_cell(source, outputs=before, execution_count=3, metadata={"tags": list(tags)})
    return difference(cell, now)


@pytest.mark.parametrize(("before", "now"), [
    (printed("361 exits\n"), printed("361 exits\n")),
    (printed("ab"), printed("a") + printed("b")),
    (result("<f at 0x7f0123456789>"), result("<f at 0x7fabcdef0123>")),
    (shown(plain="x", png="abc="), shown(plain="x", png="def=")),
])
def test_what_a_run_makes_up_does_not_count(before: list[Any], now: list[Any]):
    assert compared(before, now) == ""


@pytest.mark.parametrize(("before", "now"), [
    (printed("361 exits\n"), printed("362 exits\n")),
    (printed("a"), []),
    ([], printed("a")),
    (shown(html="<pre>def take_trap(s):</pre>"), shown(html="<pre>def take_trap(s, tlb):</pre>")),
    (shown(plain="x"), shown(plain="x", html="x")),
    (result("1"), result("2")),
])
def test_what_is_stale_is_found(before: list[Any], now: list[Any]):
    assert compared(before, now) != ""


def test_a_tag_frees_the_numbers_and_not_the_words():
    times = ("times",)
    assert compared(printed("a load:  1.5 ns"), printed("a load: 12.25 ns"), tags=times) == ""
    assert compared(printed("a load: 1.5 ns"), printed("a store: 1.5 ns"), tags=times) != ""


def test_a_result_that_a_semicolon_hides_is_hidden_here_too():
    assert compared([], result("361"), source="measure();") == ""


def test_a_difference_names_the_line():
    found = compared(printed("same\nold\n"), printed("same\nnew\n"))
    assert "-old" in found and "+new" in found
