"""The harness itself, on notebooks made here: it sees what is there, and what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.browser.harness import ROOT, Lab, find_chromium

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


@pytest.fixture
def notebook(tmp_path: Path):
    """Makes a notebook of the given cells; gives its path."""

    def make(*cells: str, name: str = "made.ipynb") -> Path:
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata=KERNEL)
        nbformat.write(made, tmp_path / name)
        return tmp_path / name

    return make


def test_runs_all_cells_and_reads_them(lab: Lab, notebook):
    lab.open_notebook(notebook("print('Hello from a cell')", "", "6 * 7", "print('last')"))
    lab.run_all()
    assert lab.errors() == []
    assert [cell["count"] for cell in lab.cells()] == [1, 2, 3]
    assert "Hello from a cell" in lab.text()
    assert "42" in lab.text()
    assert "last" in lab.page.locator(".jp-OutputArea-output").last.inner_text()
    assert lab.foreign_requests == []


def test_old_outputs_do_not_count_as_a_run(lab: Lab, tmp_path: Path):
    """A notebook stored with outputs: what is read afterwards comes from this run."""
    cell = nbformat.v4.new_code_cell("print('new')", execution_count=7, outputs=[
        nbformat.v4.new_output("stream", name="stdout", text="stale")])
    stored = nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL)
    nbformat.write(stored, tmp_path / "stored.ipynb")
    lab.open_notebook(tmp_path / "stored.ipynb")
    assert lab.text() == "stale"
    lab.run_all()
    assert lab.text() == "new\n"


def test_a_notebook_without_a_kernel_is_named(lab: Lab, tmp_path: Path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "bare.ipynb")
    with pytest.raises(Exception, match="metadata.kernelspec"):
        lab.open_notebook(tmp_path / "bare.ipynb", seconds=5)


def test_an_error_is_seen_and_ends_the_run(lab: Lab, notebook):
    lab.open_notebook(notebook("1 / 0", "print('never')"))
    lab.run_all()
    assert lab.errors() == ["ZeroDivisionError: division by zero"]
    assert "never" not in lab.text()
    assert lab.cells()[1]["count"] is None


def test_slow_cells_are_waited_for(lab: Lab, notebook):
    lab.open_notebook(notebook("import time; time.sleep(3)", "print('after')"))
    lab.run_all()
    assert lab.text() == "after\n"


def test_the_kernel_is_of_this_environment_and_stands_in_the_project(lab: Lab, notebook):
    lab.open_notebook(notebook("import sys, os; print(sys.prefix)",
                               "print(os.path.realpath('../minihv'))"))
    lab.run_all()
    assert lab.text().splitlines() == [sys.prefix, str(ROOT / "minihv")]


def test_widgets_are_drawn(lab: Lab, notebook):
    lab.open_notebook(notebook(
        "import ipywidgets as w; s = w.IntSlider(description='count', value=3); s",
        """import anywidget
class Greeter(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.innerHTML = '<b id=drawn>from a view</b>'; } }"
Greeter()"""))
    lab.run_all()
    assert lab.errors() == []
    lab.page.wait_for_selector(".widget-slider")
    assert lab.page.wait_for_selector("#drawn").inner_text() == "from a view"
    assert lab.foreign_requests == []


def test_themes_widths_and_screenshots(lab: Lab, notebook):
    lab.open_notebook(notebook("print('x\\n' * 200)"))
    lab.run_all()
    backgrounds, sizes = [], []
    for theme, width in (("light", 1280), ("dark", 1920)):
        lab.theme(theme)
        lab.width(width)
        backgrounds.append(lab.page.evaluate(
            "getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor"))
        picture = lab.screenshot(f"harness-{theme}-{width}", whole=theme == "dark")
        sizes.append(png_size(picture))
    assert backgrounds[0] != backgrounds[1]
    assert sizes[0] == (1280, 800)
    assert sizes[1][0] == 1920
    assert sizes[1][1] > 2000       # the whole notebook, not the window


def test_the_whole_notebook_is_in_sight_from_its_first_cell(lab: Lab, notebook):
    lab.open_notebook(notebook(*[f"print('cell {number}\\n' * 20)" for number in range(8)]))
    lab.run_all()       # leaves the page scrolled to the last cell
    with lab._whole():
        height = lab.page.viewport_size["height"]
        outputs = lab.page.locator(".jp-OutputArea-output")
        boxes = [outputs.nth(number).bounding_box() for number in range(8)]
    assert lab.page.viewport_size["height"] == 800
    assert 0 < boxes[0]["y"] < 250
    assert boxes[7]["y"] + boxes[7]["height"] < height < boxes[7]["y"] + 800


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[16:24]
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")


def test_axe_finds_what_is_wrong_and_passes_what_is_right(lab: Lab, notebook):
    show = "from IPython.display import HTML\nHTML('<button {}>+</button>')"
    lab.open_notebook(notebook(show.format("")))
    lab.run_all()
    assert lab.accessibility() == []
    lab.open_notebook(notebook(show.format("").replace("+", ""), name="wrong.ipynb"))
    lab.run_all()
    assert [wrong.split(":")[0] for wrong in lab.accessibility()] == ["button-name"]
    with pytest.raises(ValueError, match="nothing on the page"):
        lab.accessibility("#absent")


def test_axe_finds_poor_contrast_in_each_theme(lab: Lab, notebook):
    lab.open_notebook(notebook("print('x\\n' * 100)\nfrom IPython.display import HTML",
                               "HTML('<p style=\"color: #777\">far below, in grey</p>')"))
    lab.run_all()
    wrong = {}
    for theme in ("light", "dark"):
        lab.theme(theme)
        wrong[theme] = [line.split(":")[0] for line in lab.accessibility()]
    assert wrong == {"light": ["color-contrast"], "dark": ["color-contrast"]}


def test_a_request_to_elsewhere_is_refused_and_noted(lab: Lab, notebook):
    lab.open_notebook(notebook("from IPython.display import HTML",
                               "HTML(\"<img alt='' src='http://elsewhere.invalid/x.png'>\")"))
    lab.run_all()
    lab.page.wait_for_selector(".jp-OutputArea-output img", state="attached")
    assert set(lab.foreign_requests) == {"http://elsewhere.invalid/x.png"}


@pytest.mark.parametrize(("required", "outcome", "status"), [("", "1 skipped", 0),
                                                             ("1", "1 error", 1)])
def test_without_a_browser_tests_skip_or_fail(required: str, outcome: str, status: int):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
         "tests/browser/test_harness.py::test_slow_cells_are_waited_for"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=os.environ | {"PATH": "/nowhere", "MINIHV_CHROMIUM": "",
                          "MINIHV_REQUIRE_BROWSER": required})
    assert outcome in done.stdout
    assert "apt install chromium" in done.stdout
    assert done.returncode == status


def test_a_browser_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    own = tmp_path / "own-chromium"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("MINIHV_CHROMIUM", str(own))
    assert find_chromium() == str(own)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("MINIHV_CHROMIUM")
    assert find_chromium() is None
