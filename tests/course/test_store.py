"""Stored outputs: two runs store the same, and marked cells really hold one to compare with."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from minihv.course.books import store
from minihv.course.books.notebooks import load

ROOT = Path(__file__).parents[2]


def notebook(*sources: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    cells = [{"cell_type": "code", "metadata": {"tags": [*tags]} if tags else {},
              "source": source.splitlines(True), "outputs": [], "execution_count": None}
             for source in sources]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], str, dict[str, Any]]:
    """What two runs of one notebook report, the text in between, and the result."""
    path = tmp_path_factory.mktemp("store") / "book.ipynb"
    book = notebook(
        "import sys, time, os\nfrom minihv.course import predict\npredict('x', 1)",
        "for n in range(4):\n    print(n, flush=True)\n    time.sleep(0.01)\n"
        "print('e', file=sys.stderr)",
        "print(time.time())",
        "{'a', 'b', 'c', 'd', 'e'}",
        "import ipywidgets\nipywidgets.IntSlider()",
        "",
        "os.environ['MINIHV_STATE'] == 0",
    )
    book["cells"][2]["metadata"]["tags"] = [store.TIMES]
    path.write_text(json.dumps(book))
    reports = [store.store(path)]
    between = path.read_text()
    reports.append(store.store(path))
    return reports, between, load(path)


def test_two_runs_differ_in_tagged_cells_only(stored: tuple[list[Any], str, dict[str, Any]]):
    reports, between, after = stored
    assert reports[0] == [1, 2, 4, 5, 7]       # cells that had no output before
    assert reports[1] == []
    first, second = json.loads(between), after
    first["cells"][2]["outputs"] = second["cells"][2]["outputs"] = []
    assert first == second


def test_what_a_run_makes_up_is_not_stored(stored: tuple[list[Any], str, dict[str, Any]]):
    _, text, book = stored
    cells = book["cells"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4, 5, None, 6]
    assert cells[1]["outputs"][0]["text"] == ["0\n", "1\n", "2\n", "3\n"]
    assert cells[1]["outputs"][1]["name"] == "stderr"
    assert "widget-view" not in text
    assert "widgets" not in book["metadata"]
    assert "version" not in book["metadata"]["language_info"]
    assert [cell["id"] for cell in cells] == [f"cell-{n}" for n in range(7)]
    assert not any("execution" in cell["metadata"] for cell in cells)


def test_a_cell_that_fails_is_named_and_nothing_is_stored(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(notebook("1 + 1", "1 / 0")))
    before = path.read_text()
    assert store.main([str(path)]) == 1
    assert "division by zero" in capsys.readouterr().err
    assert path.read_text() == before


# --- what is committed --------------------------------------------------------------------------


def unstored(book: dict[str, Any]) -> list[int]:
    """The cells that nbval would silently not compare: marked, but never run or without output."""
    return [number for number, cell in enumerate(book["cells"], 1)
            if cell["cell_type"] == "code" and store.CHECKED in cell["metadata"].get("tags", ())
            and (not cell.get("execution_count") or not cell.get("outputs"))]


def committed_books() -> list[Any]:
    """The chapters and solutions of the last commit; of the folder where there is no git."""
    listed = subprocess.run(["git", "ls-files", "notebooks/*.ipynb", "solutions/*.ipynb"], cwd=ROOT,
                            capture_output=True, text=True, check=False).stdout.split()
    found = listed or [str(p.relative_to(ROOT)) for folder in store.FOLDERS
                       for p in (ROOT / folder).glob("*.ipynb")]
    return sorted(found)


@pytest.mark.parametrize("name", committed_books())
def test_each_marked_cell_has_an_output_to_compare_with(name: str):
    assert unstored(load(ROOT / name)) == [], "run make notebooks"


@pytest.mark.parametrize("name", committed_books())
def test_no_stored_output_is_an_error_or_a_live_widget(name: str):
    for cell in load(ROOT / name)["cells"]:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert store.LIVE not in output.get("data", {})


def marks(book: dict[str, Any]) -> list[str]:
    """The lines of a notebook's code that are addressed to nbval: a learner wonders at them."""
    return [line for cell in book["cells"] for line in "".join(cell["source"]).splitlines()
            if re.match(r"\s*#\s*(NBVAL|PYTEST_VALIDATE)_", line)]


@pytest.mark.parametrize("name", committed_books())
def test_no_cell_has_a_comment_for_nbval(name: str):
    assert marks(load(ROOT / name)) == [], f"say it by a tag, such as {store.CHECKED!r}"


def test_a_planted_comment_is_found():
    assert marks(notebook("1\n# NBVAL_SKIP", "2")) == ["# NBVAL_SKIP"]


def test_a_planted_gap_is_found():
    book = notebook("1", "2", "3", "4", tags=(store.CHECKED,))
    book["cells"][2]["metadata"] = {}
    book["cells"][0] |= {"execution_count": 1, "outputs": [{"output_type": "stream"}]}
    book["cells"][3] |= {"execution_count": 2}
    assert unstored(book) == [2, 4]


def test_a_figure_is_stored_once():
    """As SVG; the same as an image, for a page with a kernel, would double the file."""
    from minihv.course import figures

    cell = {"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": [
        {"output_type": "display_data", "metadata": {},
         "data": figures.machine_picture("05")._repr_mimebundle_()}]}
    book = store.settled({"cells": [cell], "metadata": {}})
    assert set(book["cells"][0]["outputs"][0]["data"]) == {"image/svg+xml", "text/plain"}
