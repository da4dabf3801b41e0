"""The course's commands: check, reset, progress, new.

For minihv.cli: each is an entry of ELSEWHERE that names this module.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from minihv.errors import MinihvError


def add_parser(subparsers: Any) -> None:
    """Add all commands of the course."""
    from minihv.course import judge
    from minihv.course.books import scaffold

    judge.add_parser(subparsers)
    scaffold.add_parser(subparsers)
    parser = subparsers.add_parser(
        "reset", help="restore an exercise notebook",
        description="Write a chapter's exercises anew; your copy is kept as a backup.",
    )  # fmt: skip
    parser.add_argument("chapter", metavar="NN", help="the chapter's number, such as 01")
    parser.set_defaults(main=reset)
    parser = subparsers.add_parser(
        "progress", help="show what you solved so far",
        description="Show the exercises that you tried and solved.",
    )  # fmt: skip
    parser.add_argument("--forget", action="store_true", help="delete all that is kept about you")
    parser.set_defaults(main=show_progress)


def main(args: argparse.Namespace) -> int:
    """Do what was chosen; the exit status."""
    return args.main(args)


def reset(args: argparse.Namespace) -> int:
    """`minihv reset NN`: 0, or 2 where there is no such chapter."""
    from minihv.course.books.generate import reset as write_anew

    try:
        print(*write_anew(args.chapter.zfill(2)), sep="\n")
    except MinihvError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def show_progress(args: argparse.Namespace) -> int:
    """`minihv progress`."""
    from minihv.course import forget, progress

    if args.forget:
        forget()
    else:
        progress(where=True)
    return 0
