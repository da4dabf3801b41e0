"""How checks, hints and measurements look: a plain card, as HTML in a notebook, else as text.

A card takes its text colour from the page, so it reads well in light and dark themes and on
paper; the bar at its side repeats what the words say.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# The course's palette (see "Visual language"); never the only carrier of meaning.
COLOURS = {"right": "#009E73", "wrong": "#D55E00", "hint": "#E69F00", "note": "#6B7280"}


@dataclass(frozen=True)
class Card:
    """A title, a text, and a table of `rows`, the first of which holds its headings."""

    kind: str  # a key of COLOURS
    title: str
    text: str = ""
    rows: Sequence[Sequence[object]] = ()

    def __str__(self) -> str:
        parts = [self.title, self.text, columns(self.rows)]
        return "\n".join(part for part in parts if part)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        body = f"<strong>{escape(self.title)}</strong>"
        if self.text:
            body += f'<div style="white-space: pre-wrap">{escape(self.text)}</div>'
        if self.rows:
            body += _table(self.rows)
        bar = f"border-left: 4px solid {COLOURS[self.kind]}; padding: 4px 12px"
        return f'<div style="{bar}; max-width: 50em">{body}</div>'


def _table(rows: Sequence[Sequence[object]]) -> str:
    lines = []
    for row, tag in zip(rows, ["th"] + ["td"] * len(rows), strict=False):
        cells = "".join(f'<{tag} style="text-align: left">{escape(str(c))}</{tag}>' for c in row)
        lines.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def columns(rows: Sequence[Sequence[object]], width: int = 0) -> str:
    """Rows as aligned text; a last column beyond `width` (0: any) goes on in the next line."""
    if not rows:
        return ""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]) - 1)]
    indent = sum(widths) + 2 * len(widths)
    lines = []
    for row in rows:
        padded = [str(cell).ljust(width) for cell, width in zip(row, widths, strict=False)]
        parts = [str(row[-1])]
        if width:
            parts = textwrap.wrap(parts[0], max(width - indent, 30)) or [""]
        lines.append("  ".join([*padded, parts[0]]).rstrip())
        lines += [" " * indent + part for part in parts[1:]]
    return "\n".join(lines)


def emit(card: object) -> None:
    """Show a card where the learner is: in the notebook, or on the terminal."""
    ipython = sys.modules.get("IPython.core.interactiveshell")
    if ipython is not None and ipython.InteractiveShell.initialized():
        sys.modules["IPython.core.display_functions"].display(card)
    else:
        print(card)
