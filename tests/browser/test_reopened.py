"""A notebook that was run and saved, opened again: its pictures are there without its kernel."""

from pathlib import Path

import nbformat
import pytest

from tests.browser.harness import Lab

VIEWS = """from minihv.course import figures
from minihv.chapters.ch00 import MachineView
from minihv.devices.virt import Machine
from IPython.display import display
display(figures.machine_picture('05'))
MachineView(Machine(1 << 20, engine='python'))"""
LIVE = ".mhv-machine"
STILL = ".jp-OutputArea-output img[src^='data:image/svg+xml'], .jp-RenderedSVG"


@pytest.fixture
def views(tmp_path: Path) -> Path:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[nbformat.v4.new_code_cell(VIEWS)],
    )
    path = tmp_path / "views.ipynb"
    nbformat.write(notebook, path)
    return path


def test_pictures_stay_when_the_kernel_is_gone(lab: Lab, views: Path):
    lab.open_notebook(views)
    lab.run_all()
    assert lab.errors() == []
    lab.page.wait_for_selector(LIVE)
    lab.reopen()
    lab.page.wait_for_selector(STILL)
    assert lab.page.locator(STILL).count() >= 2
    assert "model not found" not in lab.text()
    for theme in ("light", "dark"):
        lab.theme(theme)
        lab.screenshot(f"reopened-{theme}", whole=True)


def test_views_stay_alive_while_the_kernel_runs(lab: Lab, views: Path):
    lab.open_notebook(views)
    lab.run_all()
    lab.page.wait_for_selector(LIVE)
    lab.reopen(kernel=True)
    lab.page.wait_for_selector(LIVE)
    assert "model not found" not in lab.text()
