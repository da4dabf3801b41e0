"""Run notebooks and store their outputs, so that they read well unexecuted. `make notebooks`.

Two runs store the same bytes, except in cells marked # NBVAL_IGNORE_OUTPUT: what a run makes up
(times, ids of widgets, how output was cut into pieces) is taken out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from minihv.course.books.generate import ROOT, dumps
from minihv.course.books.kernel import environment, this_python
from minihv.course.books.notebooks import load
from minihv.errors import MinihvError

FOLDERS = ("notebooks", "solutions")
CELL_SECONDS = 180
# Mime types that mean nothing without the kernel that made them.
LIVE = "application/vnd.jupyter.widget-view+json"


class StoreError(MinihvError):
    """A notebook that does not run."""


def execute(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The notebook with the outputs of a run in `folder`; StoreError names the cell that fails."""
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
    """The notebook without what differs from run to run."""
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
            if not output["data"]:
                continue
            if "execution_count" in output:
                output["execution_count"] = count
        kept.append(output)
    return kept


def _text(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def store(path: Path) -> bool:
    """Run the notebook at `path` and store it; whether its file changed."""
    before = path.read_text(encoding="utf-8")
    text = dumps(_lines(execute(load(path), path.parent)))
    if text != before:
        path.write_text(text, encoding="utf-8")
    return text != before


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
            print(f"{path}: {'stored' if store(path) else 'unchanged'}", flush=True)
        except (MinihvError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr, flush=True)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
