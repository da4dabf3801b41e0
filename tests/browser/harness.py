"""JupyterLab in headless Chromium, for tests that look at notebooks as a reader does.

`LabServer` serves copies of notebooks (a run never alters the stored ones); `Lab` is one open page
of it. The kernel runs in the same environment as the tests. Nothing outside this machine is asked:
any request to elsewhere is refused and noted in `Lab.foreign_requests`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HEIGHTS = {1280: 800, 1920: 1080}       # pixels, by width
MOST_PIXELS = 16_000                    # the tallest picture that Chromium draws
START_SECONDS = 90
# Rules of axe about a page as a whole: JupyterLab's frame and the text between the cells decide
# these, and not the outputs that are looked at.
OF_A_WHOLE_PAGE = ("bypass", "heading-order", "landmark-one-main", "page-has-heading-one", "region")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

CHROMIUM_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]

# JupyterLab's user settings: no question about news, and every cell in the page, seen or not.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False},
}


def find_chromium() -> str | None:
    """The browser's path: $MINIHV_CHROMIUM, else the first of BROWSERS on the PATH."""
    for name in (os.environ.get("MINIHV_CHROMIUM"), *BROWSERS):
        path = shutil.which(name) if name else None
        if path:
            return path
    return None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class LabServer:
    """A JupyterLab of its own: free port, random token, settings and files in `home`."""

    def __init__(self, home: Path):
        self.home = home
        self.files = home / "files"
        self.log = home / "server.log"
        self.port = _free_port()
        self.token = secrets.token_hex(16)
        self._lay_out()
        self._process = self._start()
        self._wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _lay_out(self) -> None:
        """The project's folders by link, so that relative paths hold; notebooks come as copies."""
        (self.files / "notebooks").mkdir(parents=True)
        for entry in ROOT.iterdir():
            copied = entry.name in ("notebooks", "exercises", "solutions")
            if entry.is_dir() and not copied and not entry.name.startswith("."):
                (self.files / entry.name).symlink_to(entry)
        for name, values in SETTINGS.items():
            path = self.home / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def _start(self) -> subprocess.Popen[bytes]:
        own = {f"JUPYTER_{kind}_DIR": str(self.home / kind.lower())
               for kind in ("CONFIG", "DATA", "RUNTIME")}
        own |= {"JUPYTERLAB_SETTINGS_DIR": str(self.home / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(self.home / "workspaces"),
                "IPYTHONDIR": str(self.home / "ipython")}
        options = ["--no-browser", "--allow-root", "--expose-app-in-browser",
                   "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}",
                   "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
                   f"--ServerApp.root_dir={self.files}", "--LabApp.news_url="]
        with self.log.open("wb") as log:
            return subprocess.Popen([sys.executable, "-m", "jupyterlab", *options],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=os.environ | own)

    def _wait(self) -> None:
        request = urllib.request.Request(f"{self.url}/api/status",
                                         headers={"Authorization": f"token {self.token}"})
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(request, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.close()
        raise RuntimeError(f"JupyterLab did not start: {self.log.read_text()[-2000:]}")

    def add(self, notebook: Path) -> str:
        """Copies a notebook in; returns its path for `Lab.open_notebook`."""
        shutil.copy(notebook, self.files / "notebooks" / notebook.name)
        return f"notebooks/{notebook.name}"

    def close(self) -> None:
        """Stops the server, and with it its kernels."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


# What follows runs in the page. `jupyterapp` is there because of --expose-app-in-browser.
IS_OPEN = """path => {
    const current = window.jupyterapp?.shell?.currentWidget;
    return current?.context?.path === path && current.context.isReady;
}"""
# A notebook that names no kernel makes JupyterLab ask for one: `ready` then never comes.
WAIT_READY = """async milliseconds => {
    const widget = window.jupyterapp.shell.currentWidget;
    const ready = (async () => {
        await widget.context.ready;
        await widget.sessionContext.ready;
        await widget.sessionContext.session.kernel.info;
    })();
    const late = new Promise((_, reject) => setTimeout(reject, milliseconds, new Error(
        'no kernel: does the notebook name one (metadata.kernelspec)?')));
    await Promise.race([ready, late]);
}"""
# Without `await`: run-all comes back only when the last cell has run.
START = "command => { window.jupyterapp.commands.execute(command); }"
EXECUTE = "([command, options]) => window.jupyterapp.commands.execute(command, options)"
SAVE = """async shutdown => {
    const widget = window.jupyterapp.shell.currentWidget;
    await widget.context.save();
    if (shutdown) await widget.sessionContext.shutdown();
    return widget.context.path;
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim())
    .map(cell => ({
        source: cell.model.sharedModel.source,
        count: cell.model.executionCount,
        state: cell.model.executionState,
        outputs: cell.model.outputs.toJSON(),
    }))"""
ALL_RUN = f"""() => {{
    const cells = ({CELLS})();
    const failed = cells.some(cell => cell.outputs.some(out => out.output_type === 'error'));
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
    return kernel?.status === 'idle' && cells.every(cell => cell.state !== 'running')
        && (failed || cells.every(cell => cell.count !== null));
}}"""
# Scrolls to the top; tells how much does not fit once the layout has settled.
HEIGHT = """async () => {
    const scroller = document.querySelector(
        '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer');
    scroller.scrollTop = 0;
    await new Promise(resolve => setTimeout(resolve, 200));
    scroller.scrollTop = 0;
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return scroller.scrollHeight - scroller.clientHeight;
}"""


class Lab:
    """One page of JupyterLab, as tests drive it. `page` is Playwright's, for all else."""

    def __init__(self, browser: Any, server: LabServer):
        self.server = server
        self.foreign_requests: list[str] = []
        self._context = browser.new_context(viewport={"width": 1280, "height": HEIGHTS[1280]})
        self._context.route("**/*", self._keep_local)
        self.page = self._context.new_page()

    def _keep_local(self, route: Any) -> None:
        url = route.request.url
        if url.startswith((self.server.url + "/", "data:", "blob:")):
            route.continue_()
        else:
            self.foreign_requests.append(url)
            route.abort()

    def open_notebook(self, notebook: Path | str, seconds: float = 60) -> None:
        """Opens a copy of a notebook (a path, or a name in notebooks/) and awaits its kernel."""
        path = self.server.add(ROOT / "notebooks" / notebook)
        address = f"{self.server.url}/lab/tree/{path}?reset&token={self.server.token}"
        self._load(address, path)
        self.page.evaluate(WAIT_READY, seconds * 1000)

    def _load(self, address: str, path: str) -> None:
        self.page.goto(address, timeout=1000 * START_SECONDS)
        self.page.wait_for_function(IS_OPEN, arg=path, timeout=1000 * START_SECONDS)

    def reopen(self, kernel: bool = False, seconds: float = 60) -> None:
        """Saves the notebook, shuts its kernel down unless it is to go on, loads the page anew."""
        path = self.page.evaluate(SAVE, not kernel)
        address = f"{self.server.url}/lab/tree/{path}?reset&token={self.server.token}"
        self._load(address, path)
        self.page.evaluate(WAIT_READY, seconds * 1000)

    def run_all(self, seconds: float = 180) -> None:
        """Clears all outputs and runs all cells, until the last has ended or one has failed."""
        self.page.evaluate(EXECUTE, ["notebook:clear-all-cell-outputs", {}])
        self.page.evaluate(START, "notebook:run-all-cells")
        self.page.wait_for_function(ALL_RUN, timeout=seconds * 1000, polling=100)

    def cells(self) -> list[dict[str, Any]]:
        """The code cells that hold code: source, count (None: not run), state, outputs."""
        found: list[dict[str, Any]] = self.page.evaluate(CELLS)
        return found

    def errors(self) -> list[str]:
        """The error outputs, as `name: value`."""
        return [f"{output['ename']}: {output['evalue']}" for cell in self.cells()
                for output in cell["outputs"] if output["output_type"] == "error"]

    def text(self) -> str:
        """All that the cells put out as text, streams and plain text of results."""
        parts = []
        for cell in self.cells():
            for output in cell["outputs"]:
                found = output.get("text") or output.get("data", {}).get("text/plain") or ""
                parts.append(found if isinstance(found, str) else "".join(found))
        return "".join(parts)

    def theme(self, name: str) -> None:
        """Switches to "light" or "dark"."""
        self.page.evaluate(EXECUTE, ["apputils:change-theme", {"theme": THEMES[name]}])
        light = "true" if name == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")

    def width(self, pixels: int) -> None:
        """Sets the window's width: 1280 or 1920."""
        self.page.set_viewport_size({"width": pixels, "height": HEIGHTS[pixels]})

    def screenshot(self, name: str, whole: bool = False) -> Path:
        """Writes screenshots/NAME.png: the window, or with `whole` the notebook to its end."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        with self._whole() if whole else contextlib.nullcontext():
            self.page.screenshot(path=path)
        return path

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """Makes the window so tall that nothing of the notebook is scrolled away."""
        size = dict(self.page.viewport_size)
        height = size["height"]
        try:
            while (hidden := int(self.page.evaluate(HEIGHT))) > 0 and height < MOST_PIXELS:
                height = min(height + hidden, MOST_PIXELS)
                self.page.set_viewport_size(size | {"height": height})
            yield
        finally:
            self.page.set_viewport_size(size)

    def accessibility(self, selector: str = ".jp-OutputArea-output") -> list[str]:
        """What axe finds wrong in what `selector` matches; by default in the cells' outputs."""
        from axe_playwright_python.sync_playwright import Axe
        if not self.page.locator(selector).count():
            raise ValueError(f"nothing on the page matches {selector!r}")
        # JupyterLab's body has no height of its own and hides what overflows: axe would take all
        # text for hidden, and look at no contrast.
        self.page.add_style_tag(content="html, body { height: 100vh }")
        with self._whole():
            found = Axe().run(self.page, context={"include": [[selector]]}, options={
                "resultTypes": ["violations"],
                "rules": {rule: {"enabled": False} for rule in OF_A_WHOLE_PAGE}})
        return [f"{wrong['id']}: {wrong['help']}: {node['html'][:120]}"
                for wrong in found.response["violations"] for node in wrong["nodes"]]

    def close(self) -> None:
        """Shuts the notebook's kernel down and closes the page."""
        self.page.evaluate("""async () => {
            await window.jupyterapp?.serviceManager?.sessions?.shutdownAll();
        }""")
        self._context.close()
