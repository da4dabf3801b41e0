"""What the server hands to a page: still pictures, unless a kernel runs for the file."""

import asyncio
import copy
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from minihv.course.books import reopened
from minihv.course.books.reopened import LIVE, STILL

BOOK = {"cells": [
    {"cell_type": "markdown", "source": "text"},
    {"cell_type": "code", "outputs": [
        {"output_type": "stream", "text": "said"},
        {"output_type": "display_data", "data": {LIVE: {}, STILL: "<svg/>", "text/plain": "x"}},
        {"output_type": "display_data", "data": {LIVE: {}, "text/plain": "a widget of their own"}},
    ]},
]}  # fmt: skip


def asked(content: Any, running: list[str], kind: str = "notebook") -> Any:
    """What the page gets for notebooks/a.ipynb while these files have kernels."""
    model = {"type": kind, "path": "notebooks/a.ipynb", "content": copy.deepcopy(content)}

    async def get(path: str, content: bool = True) -> Any:
        return model

    async def list_sessions() -> list[dict[str, str]]:
        return [{"path": path} for path in running]

    contents, sessions = SimpleNamespace(get=get), SimpleNamespace(list_sessions=list_sessions)
    server = SimpleNamespace(contents_manager=contents, session_manager=sessions,
                             log=logging.getLogger("server"))  # fmt: skip
    reopened._load_jupyter_server_extension(server)
    return asyncio.run(contents.get("notebooks/a.ipynb", content=True))["content"]


def test_without_a_kernel():
    outputs = asked(BOOK, ["notebooks/b.ipynb"])["cells"][1]["outputs"]
    assert outputs[1]["data"] == {STILL: "<svg/>", "text/plain": "x"}
    assert outputs[2] == BOOK["cells"][1]["outputs"][2]  # it has nothing else to show


def test_with_its_kernel():
    assert asked(BOOK, ["notebooks/a.ipynb"]) == BOOK


@pytest.mark.parametrize("content", [None, {}, {"cells": [{"outputs": [None]}]}, "text"])
@pytest.mark.parametrize("kind", ["notebook", "file"])
def test_whatever_is_odd_opens_as_it_is(content: Any, kind: str):
    assert asked(content, [], kind) == content


def test_contents_of_another_kind_are_left_alone():
    contents = SimpleNamespace(get=lambda path: path)
    server = SimpleNamespace(contents_manager=contents, session_manager=None)
    before = contents.get
    reopened._load_jupyter_server_extension(server)
    assert contents.get is before
