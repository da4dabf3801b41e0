"""PageWalkView: an address followed through the page tables, level by level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from minihv.chapters.ch01 import pages
from minihv.chapters.ch01.views.pagewalk import ACCESSES, SV39, Read, regime_of, tell
from minihv.course.views.view import View, page
from minihv.errors import ConfigError
from minihv.hw.bits import MASK64


class PageWalkView(View):
    """The walk of one virtual address through the tables of `hart`, or of raw `tables`.

    tables: PTEs by physical address; what is missing reads as 0. root: the root table's physical
    address; sum, mxr, svade go with them. access: "load", "store", "fetch". mode: "U" or "S"
    (None: the hart's own, else "U"). whole: tell the whole walk at once.
    `shown` is how many steps of the walk are told so far; `walk` is the whole of it as data.
    """

    _esm, _css = page(__file__)
    place = "page_walk_view"
    walk = traitlets.Dict().tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    wrong = traitlets.Bool(False).tag(sync=True)

    def __init__(self, hart: Any = None, address: int = 0, access: str = "load", *,
                 mode: str | None = None, tables: Mapping[int, int] | None = None,
                 root: int | None = None, whole: bool = False, **state: bool):
        super().__init__()
        if hart is None and (tables is None or root is None):
            raise ConfigError(self.words["bad_tables"])
        self._hart, self._tables, self._root, self._state = hart, tables, root, state
        own = "U" if hart is None or hart.priv == 0 else "S"
        self.look(address, access, mode or own)
        if whole:
            self.show(len(self.walk["steps"]) + 1)

    def look(self, address: int, access: str | None = None, mode: str | None = None) -> None:
        """Start the walk of another address; access and mode stay where they are not given."""
        access = access or self.walk["access"]
        mode = mode or self.walk["mode"]
        if access not in ACCESSES or mode not in ("U", "S"):
            raise ConfigError(f"access {access!r}, mode {mode!r}: choose load, store or fetch, "
                              "and U or S")
        self.walk = tell(address, access, *self._regime(mode == "U"))
        self.show(0)

    def show(self, steps: int) -> None:
        """Tell the walk up to that many steps; one more than there are tables shows its end."""
        self.shown = max(0, min(int(steps), self.length))
        self.wrong = False
        self.said = self._story()[-1]

    @property
    def length(self) -> int:
        """Steps of the whole walk: a fault is told where it happens, a translation at the end."""
        return len(self.walk["steps"]) + (self.walk["cause"] is None)

    def _regime(self, user: bool) -> tuple[Read, pages.Regime, bool]:
        if self._tables is None:
            return regime_of(self._hart, user)
        tables, flags = self._tables, dict(self._state)
        svade = flags.pop("svade", False)
        satp = SV39 << 60 | (self._root or 0) >> 12
        return lambda address: tables.get(address, 0), pages.Regime(satp, not user, **flags), svade

    def obey(self, command: dict[str, Any]) -> None:
        """Do what the page asks for."""
        if command["do"] == "move":
            self.show(self.shown + int(command["with"]))
            return
        text = command["address"].strip()
        try:
            address = int(text, 16)
            if not 0 <= address <= MASK64:
                raise ValueError
        except ValueError:
            self.wrong, self.said = True, self.words["bad_address"].format(text=text)
            return
        self.look(address, command["access"], command["mode"])

    # --- in words -------------------------------------------------------------------------

    def verdict(self, step: dict[str, Any]) -> str:
        """Return what one entry does."""
        w = self.words
        if step["kind"] == "fault":
            return str(w["why_" + step["why"]]).format(at=step["at"])
        if step["kind"] == "leaf" and step["level"]:
            return str(w["leaf_big"]).format(**step)
        return str(w[step["kind"]])

    def _story(self) -> list[str]:
        """Return a sentence for the start and for each step shown."""
        w, walk = self.words, self.walk
        if not walk["steps"]:
            return [w["fault_before"].format(cause=walk["cause"], reason=w["why_canonical"])]
        story = [w["ready"].format(index=walk["steps"][0]["index"])]
        for step in walk["steps"][: self.shown]:
            if step["kind"] == "fault":
                story.append(w["fault_at"].format(cause=walk["cause"], level=step["level"],
                                                  reason=self.verdict(step)))
            else:
                story.append(w["step_said"].format(verdict=self.verdict(step), **step))
        if self.shown > len(walk["steps"]):
            story.append(w["result"].format(**walk))
        return story

    def text(self) -> str:
        """Return the address and each step told so far."""
        w, walk = self.words, self.walk
        parts = ", ".join(f"{part['name']} {part['value']:#x}" for part in walk["split"][1:])
        head = f"{w['title']}: {w[walk['access']]}, {w[walk['mode']]}, {walk['va']} = {parts}"
        return "\n".join([head, w["root"].format(**walk), *self._story()])

    def picture(self) -> str:
        """Return the split address and the tables as a picture."""
        from minihv.chapters.ch01.views.walk_still import walk_still

        return walk_still(self.walk, self.shown, self.said, dict(self.words), self.verdict)
