"""The pagers of exercise 05.2: the package's own, which writes a log, and faults planted in it."""

from __future__ import annotations

from typing import Any

from minihv.chapters.ch01 import pages
from minihv.hw import state as st
from minihv.hw.mmu import PTE_D
from minihv.vmm import VM, ShadowPaging
from minihv.vmm.shadowtable import SPACE

Event = dict[str, Any]
Entry = list[int]  # [space, privilege, gva, level of the guest's leaf]


class Recorder(ShadowPaging):
    """The package's pager, which writes down what it fills and what fences leave."""

    def attach(self, vm: VM) -> None:
        super().attach(vm)
        self.log: list[Event] = []
        self.levels: dict[tuple[Any, int], int] = {}  # by regime and gva: of the guest's leaf

    def put(self, table: Any, gva: int, entry: int, level: int) -> None:
        super().put(table, gva, entry, level)
        self.levels[self.key, gva & SPACE & -4096] = level
        s = self.vm.harts[0].s
        pte = self.walker.r64[self.walker.seen[-1]]
        self.log.append({
            "do": "fill", "space": s[st.SATP] >> 44 & 0xFFFF, "priv": s[st.PRIV],
            "sum": bool(s[st.MSTATUS] & st.SUM), "mxr": bool(s[st.MSTATUS] & st.MXR),
            "gva": gva & -4096, "pte": pte, "level": level, "entry": entry,
        })  # fmt: skip

    def entries(self) -> list[Entry]:
        """Return all that is filled."""
        return [[key[0] >> 44 & 0xFFFF, key[1], gva, self.levels[key, gva]]
                for key, table in self.tables.items() for gva, _ in table.pages()]  # fmt: skip

    def fence_instruction(self, word: int, gva: int, asid: int) -> None:
        there = self.entries()
        self.forget(word, gva, asid)
        self.log.append({
            "do": "fence", "space": asid if word >> 20 & 31 else None,
            "gva": gva if word >> 15 & 31 else None, "there": there, "left": self.entries(),
        })  # fmt: skip

    def forget(self, word: int, gva: int, asid: int) -> None:
        """What the fence does."""
        super().fence_instruction(word, gva, asid)


class Generous(Recorder):
    """Forgets a whole space, or all, where one page would do. Nothing is wrong with that."""

    def forget(self, word, gva, asid):  # type: ignore[no-untyped-def]
        super().forget(word & ~(31 << 15), gva, asid)


class KeepsW(Recorder):
    def rights(self, vcpu, gpa, pte):  # type: ignore[no-untyped-def]
        return super().rights(vcpu, gpa, pte | PTE_D)


class TakesRights(Recorder):
    """Takes X from the guest's leaf, whoever asks: S-mode would run user pages under SUM."""

    def rights(self, vcpu, gpa, pte):  # type: ignore[no-untyped-def]
        return super().rights(vcpu, gpa, pte) | pte & pages.X


class ReadsCode(Recorder):
    """Lets code be read without MXR."""

    def rights(self, vcpu, gpa, pte):  # type: ignore[no-untyped-def]
        rights = super().rights(vcpu, gpa, pte)
        return rights | pages.R if pte & pages.X else rights


class FirstPiece(Recorder):
    """Maps the beginning of a superpage, wherever in it the access was."""

    def put(self, table, gva, entry, level):  # type: ignore[no-untyped-def]
        super().put(table, gva, entry & -1 << 10 + 9 * level | entry & 1023, level)


class CopiesU(Recorder):
    """Takes U from the guest's leaf."""

    def put(self, table, gva, entry, level):  # type: ignore[no-untyped-def]
        u = self.walker.r64[self.walker.seen[-1]] & pages.U
        super().put(table, gva, entry & ~pages.U | u, level)


class DeafToPages(Recorder):
    def forget(self, word, gva, asid):  # type: ignore[no-untyped-def]
        if not word >> 15 & 31:
            super().forget(word, gva, asid)


class DeafToSpaces(Recorder):
    def forget(self, word, gva, asid):  # type: ignore[no-untyped-def]
        if not word >> 20 & 31:
            super().forget(word, gva, asid)


class OneMode(Recorder):
    """A fence reaches only the table of the present mode."""

    present: Any = None  # while a fence is obeyed

    def forget(self, word, gva, asid):  # type: ignore[no-untyped-def]
        self.present = self.tables.get(self.key)  # type: ignore[arg-type]
        super().forget(word, gva, asid)
        self.present = None

    def _drop_table(self, key):  # type: ignore[no-untyped-def]
        if self.present in (None, self.tables[key]):
            super()._drop_table(key)

    def _drop_part(self, table, gva, level):  # type: ignore[no-untyped-def]
        if self.present in (None, table):
            super()._drop_part(table, gva, level)


class OnePiece(Recorder):
    """A fence of a page drops 4 KiB, of a superpage too."""

    def forget(self, word, gva, asid):  # type: ignore[no-untyped-def]
        if not word >> 15 & 31:
            return super().forget(word, gva, asid)
        for key, table in self.tables.items():
            if not word >> 20 & 31 or key[0] >> 44 & 0xFFFF == asid:
                table.drop_page(gva)


class OneSpace(Recorder):
    """A fence of everything reaches one address space."""

    def forget(self, word, gva, asid):  # type: ignore[no-untyped-def]
        if not word >> 20 & 31 and not word >> 15 & 31:
            word, asid = word | 1 << 20, self.vm.harts[0].s[st.SATP] >> 44 & 0xFFFF
        super().forget(word, gva, asid)


FAULTS: dict[str, type[Recorder]] = {
    "keeps_w": KeepsW, "takes_x": TakesRights, "reads_code": ReadsCode, "first_piece": FirstPiece,
    "copies_u": CopiesU, "deaf_pages": DeafToPages, "deaf_spaces": DeafToSpaces,
    "one_mode": OneMode, "one_piece": OnePiece, "one_space": OneSpace,
}  # fmt: skip
CLEAN: dict[str, type[Recorder]] = {"exact": Recorder, "generous": Generous}
