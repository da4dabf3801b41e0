"""`minihv check`: run exercise notebooks from the start in a fresh kernel, and judge them.

One's own run with one's own rights. Others, a teacher's or a grader's pile, each in a container of
its own, which the judge and its answers stay out of.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

from minihv.errors import ConfigError
from minihv.tools.terminal import drawn_bar

if TYPE_CHECKING:
    from minihv.course.judging.judge import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv check`."""
    add = parser.add_argument
    add("notebooks", nargs="*", metavar="NOTEBOOK", help="default: exercises/*.ipynb")
    add("--seed", type=int, help="judge the cases of this seed (default: drawn)")
    add("--cell-seconds", type=float, metavar="S", help="interrupt a cell after S seconds")
    add("--total-seconds", type=float, metavar="S", help="stop a notebook after S seconds")
    add("--jobs", type=int, metavar="N", help="judge N notebooks at once (default: processors)")
    add("--details", action="store_true", help="tables and notes also for many notebooks")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--untrusted", action="store_true",
                       help="in a container, also notebooks of exercises/")
    trust.add_argument("--unsafe", action="store_true",
                       help="with your own rights, also notebooks of others")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print a line for each exercise")


def main(options: argparse.Namespace) -> int:
    """Judge and print; 0 when everything is solved, 1 when not. MinihvError for no notebooks, or
    where this host allows no container that is needed."""
    from minihv.course.exercise import draw_seed
    from minihv.course.judging import judge
    from minihv.course.judging.session import Limits
    from minihv.course.texts import say

    for name in ("cell_seconds", "total_seconds", "jobs"):
        if getattr(options, name) is not None and not getattr(options, name) > 0:
            raise ConfigError(f"--{name.replace('_', '-')}: give a number above 0")
    paths = list(dict.fromkeys(judge.find_notebooks(options.notebooks)))
    seed = draw_seed() if options.seed is None else options.seed
    own = not options.untrusted and all(map(judge.is_own, paths))
    confined = not (own or options.unsafe)
    if own:  # by a name that leads nowhere else, whatever becomes of the one given
        paths = [path.parent.resolve() / path.name for path in paths]
    limits = Limits(options.cell_seconds or Limits.cell_seconds,
                    options.total_seconds or Limits.total_seconds)
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
    quiet, brief = options.json or options.csv, len(paths) > 1 and confined and not options.details
    progress = Progress(len(paths))

    def done(report: Report) -> None:
        progress.hide()
        if not quiet:
            print(judge.render_line(report) if brief else judge.render(report, width), flush=True)
        progress.one_more()

    jobs = options.jobs or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        reports = judge.check_all(paths, seed, limits, confined, own, min(jobs, len(paths)), done)
    finally:
        signal.signal(signal.SIGTERM, before)
    progress.hide()
    ok = all(report.ok for report in reports)
    if options.json:
        print(judge.as_json(reports, seed))
    elif options.csv:
        print(judge.as_csv(reports), end="")
    elif not ok:
        print(say("judge", "seed", seed=seed))
    return 0 if ok else 1


class Progress:
    """A bar on stderr, where that is a terminal and there is more than one to wait for."""

    def __init__(self, count: int):
        self.count, self.done = count, 0
        self.shown = count > 1 and sys.stderr is not None and sys.stderr.isatty()
        self._show()

    def one_more(self) -> None:
        """Another one is done."""
        self.done += 1
        self._show()

    def hide(self) -> None:
        """Make room for a line."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _show(self) -> None:
        if self.shown and self.done < self.count:
            bar = drawn_bar(self.done / self.count)
            print(f"\rminihv: {bar} {self.done} of {self.count}", end="", file=sys.stderr,
                  flush=True)
