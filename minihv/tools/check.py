"""`minihv check`: run exercise notebooks from the start in a fresh kernel, and judge them."""

from __future__ import annotations

import argparse
import shutil


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv check`."""
    add = parser.add_argument
    add("notebooks", nargs="*", metavar="NOTEBOOK", help="default: exercises/*.ipynb")
    add("--seed", type=int, help="judge the cases of this seed (default: drawn)")
    add("--cell-seconds", type=float, metavar="S", help="interrupt a cell after S seconds")


def main(options: argparse.Namespace) -> int:
    """Judge and print; 0 when everything is solved, 1 when not. MinihvError for no notebooks."""
    from minihv.course.exercise import draw_seed
    from minihv.course.judge import CELL_SECONDS, check_notebook, find_notebooks, render
    from minihv.course.texts import say

    notebooks = find_notebooks(options.notebooks)
    seed = draw_seed() if options.seed is None else options.seed
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
    ok = True
    for path in notebooks:
        report = check_notebook(path, seed, options.cell_seconds or CELL_SECONDS)
        print(render(report, width), flush=True)
        ok = ok and report.ok
    if not ok:
        print(say("judge", "seed", seed=seed))
    return 0 if ok else 1
