"""Reads one notebook in a process of its own, with limits, and prints what is in it as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from minihv.course.books.notebooks import NotebookError, read

MEMORY, SECONDS = 2 << 30, 30  # bytes of address space, of processor time


def main() -> None:
    """Read the file that the first argument names."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        notebook = read(Path(sys.argv[1]), follow=False)
    except NotebookError as error:
        print(json.dumps({"error": str(error)}))
        return
    cells = [[cell.number, cell.source, sorted(cell.defines), sorted(cell.checks)]
             for cell in notebook.cells]
    print(json.dumps({"cells": cells, "notes": notebook.notes}))
