"""`minihv new`: the files of a new exercise, view or chapter: small ones, to be replaced."""

from __future__ import annotations

import argparse
from typing import Any

from minihv.errors import MinihvError

EXAMPLES = {"exercise": "count_exits", "view": "WalkGrid"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `minihv new`: exercise 05.4 merge, view 05 MergeView, chapter 07."""
    parser.add_argument("what", choices=("exercise", "view", "chapter"))
    parser.add_argument("number", metavar="NN[.K]",
                        help="number: 05.4 of an exercise, 05 of a view's chapter or a chapter")
    parser.add_argument("name", nargs="?", default="",
                        help="the answer's function (count_exits), or the view (WalkGrid)")



def main(options: argparse.Namespace) -> int:
    """Write and list the files; MinihvError for what cannot be made."""
    from minihv.course.books import scaffold

    kinds: dict[str, Any] = {"exercise": scaffold.new_exercise, "view": scaffold.new_view,
                             "chapter": scaffold.new_chapter}  # fmt: skip
    names = [options.name] if options.what in EXAMPLES else []
    if names and not options.name:
        raise MinihvError(f"say what the {options.what} is called: minihv new {options.what} "
                          f"{options.number} {EXAMPLES[options.what]}")  # fmt: skip
    if options.name and not names:
        raise MinihvError("a chapter's name is in minihv/course/texts/en/chapters.toml: "
                          f"minihv new chapter {options.number}")  # fmt: skip
    print(*dict.fromkeys(kinds[options.what](options.number, *names)), sep="\n")
    return 0
