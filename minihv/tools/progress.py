"""`minihv progress`: the exercises that you tried and solved."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv progress`."""
    parser.add_argument("--forget", action="store_true", help="delete all that is kept about you")


def main(options: argparse.Namespace) -> int:
    """Show it, or forget it."""
    from minihv.course import forget, progress

    if options.forget:
        forget()
    else:
        progress(where=True)
    return 0
