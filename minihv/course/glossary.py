"""The glossary: each term once, with the chapter that first uses it."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from minihv.course.cards import Card, emit
from minihv.course.exercise import CourseError
from minihv.course.texts import say, several, table


@cache
def terms() -> dict[str, tuple[str, str]]:
    """Return all terms as {name: (chapter, meaning)}, in the order of the alphabet."""
    names = sorted(table("en")["glossary"], key=str.casefold)
    return {name: (several("glossary", name)[0], several("glossary", name)[1]) for name in names}


def term(name: str) -> None:
    """Show what `name` means; CourseError with the nearest names where it is unknown."""
    by_folded = {known.casefold(): known for known in terms()}
    found = by_folded.get(name.casefold())
    if found is None:
        close = get_close_matches(name.casefold(), by_folded, 3, 0.5)
        names = ", ".join(by_folded[match] for match in close)
        said = say("term", "close", names=names) if close else ""
        raise CourseError(say("term", "unknown", name=name, close=" " + said if said else ""))
    where, meaning = terms()[found]
    emit(Card("note", found, f"{meaning}\n{say('term', 'where', chapter=where)}"))


def anchor(name: str) -> str:
    """Return the fragment that links to a term on the glossary's page: page.md#anchor."""
    return name.replace(" ", "-")


def page() -> str:
    """Return the glossary as one page of Markdown, a heading for each term."""
    parts = [say("term", "page")]
    for name, (where, meaning) in terms().items():
        parts.append(f"## {name}\n{meaning} {say('term', 'where', chapter=where)}")
    return "\n\n".join(parts) + "\n"
