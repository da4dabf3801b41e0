"""Picture: a still drawing that follows the page's theme where a kernel runs."""

from __future__ import annotations

import traitlets

from minihv.course.views.view import View, page


class Picture(View):
    """SVG from `minihv.course.figures`, and the same in words."""

    _esm, _css = page(__file__)
    drawing = traitlets.Unicode().tag(sync=True)

    def __init__(self, drawing: str, said: str):
        super().__init__(drawing=drawing)
        self._said = said

    def picture(self) -> str:
        """Return the drawing itself."""
        return self.drawing

    def text(self) -> str:
        """Return what it shows, in words."""
        return self._said
