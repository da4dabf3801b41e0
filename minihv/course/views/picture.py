"""Picture: a still drawing. It is no widget, so it needs no kernel to be seen."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

# How the drawing is shown in a page: as an image that has a text alternative, which JupyterLab does
# not give to an SVG. A stored notebook does without (`store.py`): the drawing is in it already.
FIGURE = '<figure class="mhv-picture" style="margin:4px 0 8px">'


class Picture:
    """SVG from `minihv.course.figures`, and the same in words."""

    def __init__(self, drawing: str, said: str):
        self._drawing, self._said = drawing, said

    def picture(self) -> str:
        """Return the drawing itself."""
        return self._drawing

    def text(self) -> str:
        """Return what it shows, in words."""
        return self._said

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        source = f"data:image/svg+xml,{quote(self._drawing)}"
        shown = f'{FIGURE}<img src="{source}" alt="{escape(self._said)}"></figure>'
        return {"text/html": shown, "image/svg+xml": self._drawing, "text/plain": self._said}
