"""What all views share: a live picture in the page, a still one (SVG and text) in the stored page.

A view is a widget whose page side (one local module, no network) draws plain data that Python
computes. Its output carries the still picture beside the live one, so that a notebook reads well
where no kernel runs: on a code-hosting site, on paper.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from minihv.course import texts

COMMON = Path(__file__).with_name("common")


def page(module: str) -> tuple[str, str]:
    """Return the script and the style sheet of the view whose Python is the file `module`.

    They are beside it (machine.py, machine.js and, if it needs one, machine.css), and follow
    what all views have in common.
    """
    own = Path(module)
    script, style = (
        "\n".join(path.with_suffix(suffix).read_text(encoding="utf-8")
                  for path in (COMMON, own) if path.with_suffix(suffix).exists())
        for suffix in (".js", ".css"))  # fmt: skip
    return script, style


def words(place: str) -> dict[str, str]:
    """Return all sentences of one place in the learner's language, in English where it has none."""
    wanted = os.environ.get("MINIHV_LANG", texts.FALLBACK)
    both = [texts.table(language).get(place, {}) for language in (texts.FALLBACK, wanted)]
    return {**both[0], **both[1]}


class View(anywidget.AnyWidget):
    """Base of all views. A subclass gives `place` (of its sentences), `picture` and `text`."""

    _css = COMMON.with_suffix(".css").read_text(encoding="utf-8")
    place = ""
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, **traits: Any):
        super().__init__(words=words(self.place), **traits)
        self.on_msg(lambda _, content, buffers: self.obey(content))

    def obey(self, command: dict[str, Any]) -> None:
        """Do what the page asks for; a view that takes commands overrides this."""

    def picture(self) -> str:
        """Return the view as it is now, as SVG."""
        raise NotImplementedError

    def text(self) -> str:
        """Return the view as it is now, in words."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "image/svg+xml": self.picture(), "text/plain": self.text()}, metadata
