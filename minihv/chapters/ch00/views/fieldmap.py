"""FieldMap: every kind and product of the field at its place, with the chapter that builds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traitlets

from minihv.course.views.draw import PALETTE, box, ink_on, svg, text
from minihv.course.views.view import View, page, words
from minihv.errors import ConfigError

NOTEBOOKS = Path(__file__).parents[4] / "notebooks"
# Where the groups stand in the still picture, row by row.
ROWS = (("how", "type1", "type2"), ("running", "containers", "network", "storage"), ("clouds",))


class FieldMap(View):
    """The map of chapter 00. `chosen` is the name of the entry whose text is shown."""

    _esm, _css = page(__file__)
    place = "field_map"
    groups: Any = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)

    def __init__(self, notebooks: Path | str = NOTEBOOKS):
        super().__init__()
        there = {path.stem for path in Path(notebooks).glob("*.ipynb")}
        titles = words("chapters")
        files = {name[:2]: name for name in titles}
        self.groups = [
            {**group, "fill": PALETTE[group["world"]], "ink": ink_on(PALETTE[group["world"]]),
             "items": [{**item, "title": titles[files[item["chapter"]]],
                        "file": files[item["chapter"]] + ".ipynb",
                        "there": files[item["chapter"]] in there} for item in group["items"]]}
            for group in self.words["group"]]

    def choose(self, name: str) -> None:
        """Show the text of an entry."""
        names = [item["name"] for item in self.entries]
        if name not in names:
            raise ConfigError(f"no entry {name!r} on the map; there are {', '.join(names)}")
        self.chosen = name

    @property
    def entries(self) -> list[dict[str, Any]]:
        """All entries: name, chapter, text, title and file of the chapter."""
        return [item for group in self.groups for item in group["items"]]

    def text(self) -> str:
        """Return the map as a list."""
        lines = [self.words["title"]]
        for group in self.groups:
            lines.append(group["name"])
            lines += [f"  {item['name']} (chapter {item['chapter']})" for item in group["items"]]
        return "\n".join(lines)

    def picture(self) -> str:
        """Return the map with all its entries and their chapters' numbers."""
        parts, y = [text(16, 28, self.words["title"], bold=True, size=15)], 44.0
        groups = {group["key"]: group for group in self.groups}
        for row in ROWS:
            shares = [2 if key == "how" else 1 for key in row]
            unit, x, tall = (828 - 10 * (len(row) - 1)) / sum(shares), 16.0, 0.0
            for key, share in zip(row, shares, strict=True):
                drawn, height = _group(groups[key], x, y, unit * share)
                parts += drawn
                x += unit * share + 10
                tall = max(tall, height)
            y += tall + 12
        return svg(860, y + 4, self.words["title"], *parts, description=self.text())


def _group(group: dict[str, Any], x: float, y: float, wide: float) -> tuple[list[str], float]:
    """Return a group's heading and its entries, in as many columns as fit; and the height."""
    columns = max(1, int(wide // 190))
    rows = -(-len(group["items"]) // columns)
    parts = [box(x, y, wide, 26, group["fill"], round=4),
             text(x + 10, y + 17.5, group["name"], size=13, bold=True, ink=group["ink"])]
    each = wide / columns
    for k, item in enumerate(group["items"]):
        at, top = x + each * (k // rows), y + 32 + 24 * (k % rows)
        parts += [box(at + 2, top, 24, 18, "tint", line="line", round=3),
                  text(at + 14, top + 13.5, item["chapter"], size=12, anchor="middle", mono=True),
                  text(at + 33, top + 13.5, item["name"], size=13)]
    return parts, 32.0 + 24 * rows
