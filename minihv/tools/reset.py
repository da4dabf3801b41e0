"""`minihv reset`: a chapter's exercises anew; your copy is kept as a backup."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv reset`."""
    parser.add_argument("chapter", metavar="NN", help="the chapter's number, such as 01")


def main(options: argparse.Namespace) -> int:
    """Write the notebook; MinihvError if there is no such chapter."""
    from minihv.course.books.generate import reset

    print(*reset(options.chapter.zfill(2)), sep="\n")
    return 0
