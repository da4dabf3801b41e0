"""The first notebook, as a reader meets it: JupyterLab, run all, and a guest greets."""

import subprocess
import sys

import pytest

from tests.browser.harness import ROOT, Lab

NAME = "00_start_here.ipynb"
HELLO = ROOT / "minihv" / "guests" / "bin" / "hello.elf"

pytestmark = pytest.mark.skipif(not (ROOT / "notebooks" / NAME).exists(),
                                reason=f"notebooks/{NAME} is not written yet")


@pytest.fixture(scope="module")
def greeting() -> str:
    """What the hello guest says, as the command line shows it: its first line with a word."""
    done = subprocess.run([sys.executable, "-m", "minihv", "run", str(HELLO)], cwd=ROOT,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return next(line.strip() for line in done.stdout.splitlines() if line.strip())


def test_a_guest_greets_the_reader(lab: Lab, greeting: str):
    lab.open_notebook(NAME)
    lab.run_all()
    assert lab.errors() == []
    assert all(cell["count"] for cell in lab.cells())
    assert greeting in lab.text()
    assert greeting in "\n".join(lab.page.locator(".jp-OutputArea-output").all_inner_texts())
    assert lab.foreign_requests == []


def test_its_outputs_are_readable_in_both_themes_and_widths(lab: Lab):
    lab.open_notebook(NAME)
    lab.run_all()
    for theme, width in (("light", 1280), ("dark", 1920)):
        lab.theme(theme)
        lab.width(width)
        lab.screenshot(f"00_start_here-{theme}-{width}", whole=True)
        assert lab.accessibility() == []
