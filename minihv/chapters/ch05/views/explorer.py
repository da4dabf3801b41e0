"""PagingExplorer: one address in the guest's tables and in the hypervisor's, while the guest runs.

It stops after one of the exits that memory caused and moves from exit to exit, both ways. Python
computes plain data; the page draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from minihv.chapters.ch05.views import tables
from minihv.chapters.ch05.views.replay import FAULT, FENCE, FILL, KINDS, SWITCH, Replay
from minihv.course.views.view import View, page
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.vmm.vm import VM

ACCESS = {st.FETCH_PAGE_FAULT: "fetch", st.LOAD_PAGE_FAULT: "load", st.STORE_PAGE_FAULT: "store"}


class PagingExplorer(View):
    """The run of a VM with shadow tables, exit by exit: `PagingExplorer(make)`.

    make: a function without arguments that gives the VM with its guest loaded; it is called again
    for each way back. nested: the same for a VM with NestedPaging and the same guest; its G-stage
    is shown beside, at the same instant of the guest. What a learner does in the page can be done
    from a cell: `goto(position)`, `next(kind)`, `back(kind)`, `look(gva)`. kind: "fill", "fault",
    "table", "fence", "switch", or "" for any.
    """

    _esm, _css = page(__file__)
    place = "paging_explorer"
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, make: Callable[[], VM], position: int = 1,
                 nested: Callable[[], VM] | None = None):
        super().__init__()
        self._make_beside = nested
        self._beside: VM | None = None
        self.replay = Replay(make)
        self._picked: int | None = None
        self._mode: int | None = None
        self._gva, self._fresh = 0, -1
        self._turn = 0  # an answer differs from the one before, so that the page hears of it
        self.goto(position)

    @property
    def vm(self) -> VM:
        """The VM as it is; do not run it by hand."""
        return self.replay.vm

    # --- moving ---------------------------------------------------------------------------

    def goto(self, position: int, before: bool = False) -> None:
        """Go to just after that memory exit, or before it is handled; 0 is the start."""
        known, event = -1, None
        if 1 <= position <= len(self.replay.events):
            event = self.replay.events[position - 1]
        if event is not None and event.kind == FILL and not before:
            self.replay.goto(position, before=True)  # to see what is lacking
            root = tables.shadow_root(self.vm)
            rows = tables.path(tables.reader(self.vm.physical.memory), root, event.exit.gva)
            known = sum(row["kind"] == "pointer" for row in rows)
        self.replay.goto(position, before)
        self._fresh = known
        event = self.replay.event
        if event is not None and event.exit.gva != -1:
            self._gva = event.exit.gva
        elif event is not None and event.kind == FENCE and event.operand is not None:
            self._gva = event.operand
        self._show()

    def next(self, kind: str = "") -> bool:
        """Go on to the next exit of this kind; False if there is none."""
        return self._seek(kind, 1)

    def back(self, kind: str = "") -> bool:
        """Return to the exit of this kind before."""
        return self._seek(kind, -1)

    def _seek(self, kind: str, step: int) -> bool:
        if kind and kind not in KINDS:
            raise ConfigError(f"kind {kind!r}: choose one of {', '.join(KINDS)}, or '' for any")
        found = self.replay.find(kind, step)
        if found is None:
            self._show(self._words("none_on" if step > 0 else "none_back", kind=self._kind(kind)))
            return False
        self.goto(found, self.replay.before)
        return True

    def look(self, gva: int | None) -> None:
        """Show the tables for this address from now on; None: for that of each exit."""
        self._picked = None if gva is None else gva & MASK64
        self._show()

    def show_mode(self, mode: str = "") -> None:
        """Show the shadow table of this mode ("U" or "S"); "": the one that the hart walked."""
        if mode not in ("", "U", "S"):
            raise ConfigError(f"mode {mode!r}: choose 'U', 'S', or '' for the one that ran")
        self._mode = "US".index(mode) if mode else None
        self._show()

    # --- what is shown --------------------------------------------------------------------

    def _kind(self, kind: str) -> str:
        return str(self.words[f"kind_{kind or 'any'}"])

    def _words(self, key: str, **values: Any) -> str:
        return str(self.words[key]).format(**values)

    def _show(self, said: str = "") -> None:
        event = self.replay.event
        ran = event.priv if event else self.vm.harts[0].priv
        priv = ran if self._mode is None else self._mode
        gva = (self._gva if self._picked is None else self._picked) & MASK64
        told = tables.both(self.vm, gva, priv, self._mode is not None)
        same_page = gva >> 12 == (self._gva & MASK64) >> 12
        paging = self.vm.paging
        counts = self.replay.counts
        self._turn += 1
        self.state = {
            "turn": self._turn, "position": self.replay.position, "total": len(self.replay.events),
            "kind": event.kind if event else "", "before": self.replay.before,
            "story": self._story(), "said": said,
            "gva": f"{gva:#x}", "picked": self._picked is not None, "page": gva >> 12 & 511,
            "mode": "US"[priv] if priv < 2 else "M", "chosen": self._mode is not None,
            "guest": [self._row(row) for row in told["guest"]],
            "shadow": [self._row(row) | {"fresh": same_page and 0 <= self._fresh <= row["index_"]
                        and priv == ran}
                       for row in self._numbered(told["shadow"])],
            "guest_root": _hex(told["guest_root"]), "shadow_root": _hex(told["shadow_root"]),
            "nested": None, "nested_root": "", "nested_hpa": "",
            "gpa": _hex(told["gpa"]), "hpa": _hex(told["hpa"]), "offset": f"{told['offset']:#x}",
            "verdict": self._verdict(told), "cells": told["cells"],
            "first": f"{gva & -(1 << 21):#x}", "last": f"{gva | (1 << 21) - 1:#x}",
            "counts": {kind: counts[kind] for kind in KINDS},
            "about": self._words("about", tables=told["tables"],
                                 frames=getattr(paging, "used", None) or _frames(paging)),
        } | self._second_stage(told["gpa"])  # fmt: skip

    def _second_stage(self, gpa: int | None) -> dict[str, Any]:
        """Return what the nested VM's G-stage says at this instant, if there is such a VM."""
        if self._make_beside is None:
            return {}
        wanted = self.vm.instructions
        if self._beside is None or self._beside.instructions > wanted:
            self._beside = self._make_beside()
        while self._beside.instructions < wanted and self._beside.ended is None:
            self._beside.run(wanted - self._beside.instructions)
        found = tables.second_stage(self._beside, gpa)
        return {"nested": [self._row(row) for row in found["rows"]],
                "nested_root": _hex(found["root"]), "nested_hpa": _hex(found["hpa"])}

    def _numbered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "index_": k} for k, row in enumerate(rows)]

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "pte": f"0x{row['pte']:016x}" if row["kind"] != "none" else "0"}

    def _verdict(self, told: dict[str, Any]) -> str:
        """Return what the two paths together mean for the next access."""
        gpa, hpa = told["gpa"], told["hpa"]
        if gpa is None:
            return self._words("stale" if hpa is not None else "true")
        if hpa is None:
            return self._words("hidden")
        if hpa != told["wanted"]:
            return self._words("stale")
        w = [path[-1]["bits"][-3] == "w" for path in (told["guest"], told["shadow"])]
        if w == [True, False]:
            return self._words("no_write")
        return self._words("agree")

    def _story(self) -> str:
        """Return the exit in a sentence."""
        told = self._what()
        return self._words("story_before", story=told) if self.replay.before else told

    def _what(self) -> str:
        event = self.replay.event
        if event is None:
            return str(self.words["start"])
        values: dict[str, Any] = {
            "mode": self.words["mode_U" if event.priv == 0 else "mode_S"],
            "gva": _hex(event.exit.gva & MASK64), "gpa": _hex(event.exit.gpa),
            "pc": _hex(event.exit.pc & MASK64), "access": ACCESS.get(event.exit.cause, ""),
        }
        if event.kind == FENCE:
            if event.operand is None:
                return self._words("story_fence", **values)
            return self._words("story_fence_page", page=_hex(event.operand & MASK64), **values)
        if event.kind == SWITCH:
            return self._words("story_switch", satp=_hex((event.operand or 0) & MASK64), **values)
        key = {FILL: "story_fill", FAULT: "story_fault"}.get(event.kind, "story_table")
        return self._words(key, **values)

    def obey(self, command: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match command["do"]:
            case "goto":
                self.goto(int(command["with"]))
            case "seek":
                self._seek(command["kind"], int(command["with"]))
            case "page":
                self.look((int(self.state["gva"], 16) & -(1 << 21)) + (int(command["with"]) << 12))
            case "before":
                self.goto(self.replay.position, not self.replay.before)
            case "mode":
                self.show_mode(command["with"])
            case "follow":
                self.look(None)
            case "look":
                try:
                    gva = int(command["with"].strip(), 16)
                    if not 0 <= gva <= MASK64:
                        raise ValueError
                except ValueError:
                    self._show(self._words("bad_address", text=command["with"].strip()))
                else:
                    self.look(gva)

    # --- in words and as a picture --------------------------------------------------------

    def text(self) -> str:
        """Return where the run is, and both paths of the address."""
        s, w = self.state, self.words
        lines = [w["title"] + ": " + self._words("where", **s), s["story"],
                 self._words("address", **s)]  # fmt: skip
        for name in ("guest", "shadow", "nested"):
            if s[name] is None:
                continue
            lines.append(f"{w[name]}:")
            lines += [f"  {row['level']} [{row['index']:3}] {row['pte']:>18} {row['bits'] or '-':8}"
                      f" {self._note(row)}".rstrip() for row in s[name]] or [f"  {w['no_table']}"]
        return "\n".join([*lines, s["verdict"], s["about"]])

    def _note(self, row: dict[str, Any]) -> str:
        notes = [self.words["protected"]] if row.get("protected") else []
        return "; ".join([*([self.words["filled_now"]] if row.get("fresh") else []), *notes])

    def picture(self) -> str:
        """Both paths and the map of the pages around the address."""
        from minihv.chapters.ch05.views.explorer_still import explorer_still

        return explorer_still(self.state, dict(self.words))


def _hex(value: int | None) -> str:
    return "" if value is None or value == -1 else f"{value:#x}"


def _frames(paging: Any) -> int:
    """Frames in use, of a pager that only has its tables."""
    return sum(len(table.frames) for table in paging.tables.values()
               if isinstance(getattr(table, "frames", None), list))
