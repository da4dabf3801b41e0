"""Every sentence that a learner reads, by id: of the course, of a chapter's checks and its views.

They are in texts/LANGUAGE/*.toml and chapters/chNN/*/LANGUAGE.toml. A translation adds files; what
it lacks is said in English. MINIHV_LANG chooses the language.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("texts")
CHAPTERS = Path(__file__).parents[1] / "chapters"
FALLBACK = "en"


@cache
def table(language: str) -> dict[str, dict[str, Any]]:
    """Return all sentences of one language: by place (an exercise's id, "common"), then by key."""
    merged: dict[str, dict[str, Any]] = {}
    files = [*(FOLDER / language).glob("*.toml"), *CHAPTERS.glob(f"*/*/{language}.toml")]
    for path in sorted(files):
        for place, sentences in tomllib.loads(path.read_text(encoding="utf-8")).items():
            merged.setdefault(place, {}).update(sentences)
    return merged


def _find(place: str, key: str) -> Any:
    for language in (os.environ.get("MINIHV_LANG", FALLBACK), FALLBACK):
        found = table(language).get(place, {}).get(key)
        if found is not None:
            return found
    return None


def has(place: str, key: str) -> bool:
    """Tell if there is such a sentence."""
    return _find(place, key) is not None


def say(place: str, key: str, **values: Any) -> str:
    """Return the sentence `key` of `place`, its {fields} filled; KeyError if there is none."""
    found = _find(place, key)
    if found is None:
        raise KeyError(f"no text {place}.{key}")
    return found.strip().format(**values)


def several(place: str, key: str) -> list[str]:
    """Return a list of sentences, such as the hints of an exercise."""
    return [text.strip() for text in _find(place, key) or []]
