"""What a notebook stores must be what a run gives: compared in the run that `make test FULL=1`
makes of each notebook anyway. `make notebooks` stores anew.

Texts, counts, tables, drawings and the code that show() prints have to be equal. Where a cell's
metadata has the tag `times`, its numbers are the host's: they, and a drawing of them, may differ,
the words around them may not. The tag does not show in the notebook.
"""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Generator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, NbCellError, coalesce_streams

from minihv.course.books.store import TIMES, environment, settled
from tests.tiers import TIER

PICTURES = ("image/png", "image/jpeg")  # pixels depend on the host's fonts and libraries
DRAWING = "image/svg+xml"  # of times: an axis has the marks that they need; its text says the same
ADDRESS = re.compile(r" at 0x[0-9a-f]{8,16}>")  # of a Python object
NUMBER = re.compile(r"\s*[-+]?\d[\d.,]*(?:e[-+]?\d+)?\s*")
MOST_LINES = 40


def comparable(cell: Any, outputs: Sequence[Any]) -> list[str]:
    """Return what `outputs` of `cell` say, line by line, without what differs from run to run."""
    source = "".join(cell["source"]).rstrip()
    book = {"metadata": {}, "cells": [
        {"cell_type": "code", "metadata": {}, "execution_count": 1,
         "outputs": coalesce_streams(deepcopy(list(outputs)))}]}
    lines: list[str] = []
    shown = settled(book)["cells"][0]["outputs"]
    if len({output["output_type"] == "stream" for output in shown}) > 1:
        # How displays cut printed lines is up to the kernel's threads: compare them as a set.
        printed = [output for output in shown if output["output_type"] == "stream"]
        lines += sorted({line for output in printed for line in output["text"].splitlines()})
        shown = [output for output in shown if output["output_type"] != "stream"]
    for output in shown:
        if output["output_type"] == "execute_result" and source.endswith(";"):
            continue  # the semicolon hides it from notebooks, and from nbval does not
        parts = output.get("data") or {
            output.get("name", output["output_type"]): output.get("text") or output.get("evalue")}
        timed = TIMES in cell["metadata"].get("tags", ())
        for kind in sorted(parts.keys() - set((*PICTURES, DRAWING) if timed else PICTURES)):
            text = re.sub(r"(?<=>)(?=<)", "\n", str(parts[kind]))
            lines += [f"[{kind}]", *ADDRESS.sub(" at ...>", text).splitlines()]
    if TIMES in cell["metadata"].get("tags", ()):
        lines = [" ".join(NUMBER.sub(" # ", line).split()) for line in lines]
    return lines


def difference(cell: Any, outputs: Sequence[Any]) -> str:
    """Return how a run's `outputs` differ from those that `cell` stores; "" if they do not."""
    if cell["execution_count"] is None:
        return ""  # stored without a run
    stored, new = comparable(cell, cell["outputs"]), comparable(cell, outputs)
    found = difflib.unified_diff(stored, new, "stored", "this run", n=1, lineterm="")
    return "\n".join(line[:200] for line in [*found][:MOST_LINES])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Start a notebook's kernel with a progress of its own: neither the user's nor that of a
    notebook that ran before."""
    if not isinstance(item, IPyNbCell) or item.parent.kernel is not None:
        return (yield)
    scratch = tempfile.TemporaryDirectory(prefix="minihv-notebook-", ignore_cleanup_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(Path(scratch.name)).items():
            patch.setenv(name, value)
        result = yield
    item.parent.addfinalizer(scratch.cleanup)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if TIER != "small" and isinstance(item, IPyNbCell):
        found = difference(item.cell, item.test_outputs or ())
        if found:
            raise NbCellError(item.cell_num, "the stored outputs are stale: `make notebooks`",
                              item.cell.source, found)
    return result
