"""Run notebooks and store their outputs, so that they read well unexecuted. `make notebooks`.

Two runs store the same bytes, except in cells tagged `times`: what a run makes up
(times, ids of widgets, how output was cut into pieces) is taken out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from minihv.course.books.generate import ROOT, dumps
from minihv.course.books.notebooks import load
from minihv.course.books.reopened import LIVE
from minihv.course.views.picture import FIGURE
from minihv.errors import MinihvError

FOLDERS = ("notebooks", "solutions")
CELL_SECONDS = 180
# Tags in a cell's metadata: its numbers differ from run to run; nbval compares its output.
TIMES, CHECKED = "times", "nbval-check-output"


class StoreError(MinihvError):
    """A notebook that does not run."""


def this_python() -> Any:
    """Return a kernel specification for this very Python, whatever kernels are installed."""
    from jupyter_client.kernelspec import KernelSpec

    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
            "--HistoryManager.enabled=False", "--log-level=ERROR"]  # fmt: skip
    return KernelSpec(argv=argv, display_name="minihv", language="python")


def environment(scratch: Path) -> dict[str, str]:
    """Return a kernel's environment: it writes into `scratch` and uses this very minihv."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "MINIHV_STATE": str(scratch / "progress.json"),
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def execute(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the notebook with a run's outputs; StoreError names the cell that fails."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for number, cell in enumerate(notebook["cells"]):
        cell.setdefault("id", f"cell-{number}")  # else each reader makes one up
    node = nbformat.reads(dumps(notebook), as_version=4)
    manager = AsyncKernelManager()
    manager._kernel_spec = this_python()
    client = NotebookClient(node, km=manager, timeout=CELL_SECONDS, store_widget_state=False,
                            resources={"metadata": {"path": str(folder)}})  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="minihv-store-") as scratch:
        try:
            client.execute(env=environment(Path(scratch)) | {"PYTHONHASHSEED": "0"})
        except CellExecutionError as error:
            raise StoreError(f"a cell fails: {error.ename}: {error.evalue}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise StoreError(str(error).splitlines()[0]) from None
    return settled(node)


def settled(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook without what differs from run to run."""
    notebook["metadata"].pop("widgets", None)
    notebook["metadata"]["language_info"] = {"name": "python"}  # its version is the host's
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["metadata"].pop("execution", None)
        if cell.get("execution_count") is not None:
            count += 1
            cell["execution_count"] = count
        cell["outputs"] = _outputs(cell["outputs"], cell["execution_count"])
    return notebook


def _outputs(outputs: list[dict[str, Any]], count: int | None) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for output in outputs:
        if output["output_type"] == "stream":
            if kept and kept[-1].get("name") == output["name"]:
                kept[-1]["text"] = _text(kept[-1]["text"]) + _text(output["text"])
                continue
        elif "data" in output:
            output["data"].pop(LIVE, None)
            if "".join(output["data"].get("text/html", "")).startswith(FIGURE):
                del output["data"]["text/html"]
            if not output["data"]:
                continue
            if "execution_count" in output:
                output["execution_count"] = count
        kept.append(output)
    return kept


def _text(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def store(path: Path) -> list[int] | None:
    """Run the notebook at `path` and store it: None if its file did not change, else the
    numbers of the cells whose outputs did, though they are not tagged."""
    before = path.read_text(encoding="utf-8")
    old = load(path)["cells"]
    after = _lines(execute(load(path), path.parent))
    text = dumps(after)
    if text == before:
        return None
    path.write_text(text, encoding="utf-8")
    pairs = enumerate(zip(old, after["cells"], strict=True), 1)
    changed = [(number, now) for number, (was, now) in pairs
               if was.get("outputs") != now.get("outputs")]
    return [number for number, now in changed if TIMES not in now["metadata"].get("tags", ())]


def _lines(notebook: dict[str, Any]) -> dict[str, Any]:
    """Long texts as lists of lines, as notebook files hold them."""
    from nbformat.v4.rwbase import split_lines, strip_transient

    return strip_transient(split_lines(notebook))


def main(names: list[str]) -> int:
    """Store the notebooks named, by default all; 1 when one of them fails."""
    paths = [Path(name) for name in names]
    paths = paths or [p for f in FOLDERS for p in sorted((ROOT / f).glob("*.ipynb"))]
    failed = 0
    for path in paths:
        try:
            changed = store(path)
            cells = ", ".join(map(str, changed or []))
            print(f"{path}: {'unchanged' if changed is None else 'stored'}", flush=True)
            if cells:
                print(f"  new outputs in cells not tagged {TIMES!r}: {cells}", flush=True)
        except (MinihvError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr, flush=True)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
