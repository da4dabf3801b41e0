"""Fixtures of the browser tests: `lab` is a fresh page of a JupyterLab that serves this project.

Where Chromium or Playwright is missing, the tests skip and say so; with MINIHV_REQUIRE_BROWSER=1,
as in CI, they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.harness import CHROMIUM_OPTIONS, Lab, LabServer, find_chromium


def lacking(what: str) -> None:
    """Ends the test for want of something: a skip, or a failure where a browser is required."""
    if os.environ.get("MINIHV_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what} (and MINIHV_REQUIRE_BROWSER=1)", pytrace=False)
    pytest.skip(what)


# Module-wide, not session-wide: an open Playwright leaves an event loop running in its thread, and
# the notebooks that nbval runs in the same worker would stumble over it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, driven by Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("Playwright is not installed: make test installs it")
    path = find_chromium()
    if path is None:
        lacking("Chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab_server(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A running JupyterLab; asks for `browser` first, so as not to start one in vain."""
    server = LabServer(tmp_path_factory.mktemp("lab"))
    yield server
    server.close()


@pytest.fixture
def lab(browser: Any, lab_server: LabServer) -> Iterator[Lab]:
    """A page of its own for one test."""
    page = Lab(browser, lab_server)
    yield page
    page.close()
