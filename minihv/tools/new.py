"""`minihv new`: the files of a new exercise, view or chapter: small ones, to be replaced."""

from __future__ import annotations

import argparse
from typing import Any

from minihv.errors import MinihvError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `minihv new`: exercise 05.4 merge, view 05 MergeView, chapter 07."""
    parser.add_argument("what", choices=("exercise", "view", "chapter"))
    parser.add_argument("number", metavar="NN[.K]", help="of the exercise, or of the chapter")
    parser.add_argument("name", nargs="?", default="", help="the answer's function; the view")


def main(options: argparse.Namespace) -> int:
    """Write and list the files; MinihvError for what cannot be made."""
    from minihv.course.books import scaffold

    kinds: dict[str, Any] = {"exercise": scaffold.new_exercise, "view": scaffold.new_view,
                             "chapter": scaffold.new_chapter}  # fmt: skip
    names = [] if options.what == "chapter" else [options.name]
    if names and not options.name.isidentifier():
        raise MinihvError(f"minihv new {options.what} needs a name for Python")
    print(*dict.fromkeys(kinds[options.what](options.number, *names)), sep="\n")
    return 0
