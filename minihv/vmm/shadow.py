"""Shadow paging: tables gva -> hpa, made from the guest's tables gva -> gpa as it touches pages.

The hart walks only these tables. A page fault on them asks one question: do the guest's own
tables allow the access? If not, the fault is true and the guest gets it. If they do, it is
hidden: the entry is filled in and the instruction tried again. The question is answered by the
machine's own walker, run on the virtual CPU and the guest's memory, so A and D bits are set and
faults raised exactly as hardware would.

A shadow table is a TLB kept in memory: an entry holds what one access context may do, so tables
are kept per regime (satp, privilege, SUM, MXR), they may be stale until the guest fences, and a
fence drops them. D is emulated by leaving out W until the guest's entry has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.mmu import (
    PTE_A,
    PTE_D,
    PTE_R,
    PTE_U,
    PTE_V,
    PTE_W,
    PTE_X,
    data_privilege,
    locate,
    permitted,
)
from minihv.hw.pmp import LAST_ADDRESS, pmp_allows, pmp_uniform
from minihv.vmm.exits import Reason
from minihv.vmm.shadowtable import ShadowTable

if TYPE_CHECKING:
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vcpu import VCPU
    from minihv.vmm.vm import VM

Regime = tuple[int, int, int, bool, int]
FEWEST_FRAMES = 16  # the four pages that one instruction can touch need nine
EVERY_ACCESS = (st.READ, st.WRITE, st.FETCH)
UNTRANSLATED = st.READ << 1 | st.WRITE << 1 | st.FETCH << 1 | PTE_D | PTE_V


class WalkRecorder:
    """Guest RAM as the page walker reads it; `seen` holds the PTEs' places, root first."""

    def __init__(self, r64: memoryview):
        self.r64 = r64
        self.seen: list[int] = []

    def __getitem__(self, index: int) -> int:
        self.seen.append(index)
        return self.r64[index]

    def __setitem__(self, index: int, value: int) -> None:
        self.r64[index] = value


def regime(vcpu: VCPU) -> Regime:
    """What decides about an access besides the page tables' contents.

    (satp or 0, privilege, SUM and MXR where they matter, whether loads and stores act in another
    mode than fetches, and whose PMP decides)
    """
    s = vcpu.s
    priv, status = s[st.PRIV], s[st.MSTATUS]
    if vcpu.vm.cpu.guest_mode:  # U, SUM and MXR are the hart's to look at
        return s[st.SATP], 1 if s[st.SATP] else priv, 0, False, 0
    satp = 0 if priv == 3 else s[st.SATP]
    flags = 0
    if satp:
        flags = status & (st.SUM | st.MXR if priv else st.MXR)
    elsewhere = status & st.MPRV != 0 and data_privilege(s) != priv
    return satp, priv, flags, elsewhere, vcpu.protection


def unprotected(s: memoryview) -> bool:
    """Whether the first PMP entry allows everything everywhere, as firmware likes to set it."""
    return s[st.PMP_LOW] == 0 and s[st.PMP_HIGH] == LAST_ADDRESS and s[st.PMPCFG] & 7 == 7


class ShadowPaging:
    """Lazy shadow tables that are dropped when the guest fences.

    A hart in VS-mode looks at U, SUM and MXR itself: there one table serves an address space.

    limit: frames of 4 KiB that the tables of one VM may take; beyond it the table that was not
    used for the longest time goes.
    """

    nested = False  # whether the hart walks the guest's own tables

    def __init__(self, limit: int = 1024):
        if limit < FEWEST_FRAMES:
            raise ConfigError(f"shadow tables of {limit} frames: give {FEWEST_FRAMES} or more")
        self.limit = limit
        self.tables: dict[Regime, ShadowTable] = {}  # least recently used first
        self.key: Regime | None = None  # whose table was entered last, if it is still there
        self._root = 0
        self.used = 0  # frames
        self.evictions = 0

    def attach(self, vm: VM) -> None:
        """Serve this VM from now on."""
        self.vm = vm
        self.walker = WalkRecorder(vm.memory.views.r64)

    # --- which table the hart walks -----------------------------------------------------------

    def enter(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Let the hart walk the table that belongs to the VCPU's regime."""
        key = regime(vcpu)
        if key != self.key:
            table = self.tables.pop(key) if key in self.tables else self._new_table()
            self.tables[key] = table  # the last of them, now
            self.key, self._root = key, table.root
        self.vm.cpu.install(hart, self._root)

    def _new_table(self) -> ShadowTable:
        self.make_room(1, None)
        return ShadowTable(self.vm.host.memory, self._take_frame)

    # --- a fault ------------------------------------------------------------------------------

    def guest_walk(self, vcpu: VCPU, gva: int, access: int) -> int:
        """The gpa that the guest's own tables give for an access; a true fault is raised in s."""
        _, page_flags, code, code_of = vcpu.memory.views.for_walks
        self.walker.seen.clear()
        return locate(vcpu.s, self.walker, page_flags, code, code_of, gva, 1, access)

    def obstacle(self, vcpu: VCPU, gva: int, gpa: int, access: int) -> Reason | None:
        """Why the shadow table must not let the hart do this access; None where it may."""
        memory = self.vm.memory
        offset = gpa - memory.base
        if not 0 <= offset < memory.size:
            return Reason.MMIO
        s = vcpu.s
        if memory.views.page_flags[offset >> 12] & st.PAGE_SLOW:
            return Reason.ACCESS
        if not unprotected(s) and not pmp_uniform(s, gpa & -4096):
            return Reason.ACCESS
        if access != st.FETCH and data_privilege(s) != s[st.PRIV]:
            return Reason.ACCESS
        return None

    def protects(self, gpa: int) -> bool:
        """Whether the guest may not write there although its own tables let it: a page table."""
        return False

    def fill(self, vcpu: VCPU, gva: int, gpa: int) -> None:
        """Enter gva's page, which `guest_walk` has just translated, with all it may be used for."""
        seen = self.walker.seen
        pte = self.walker.r64[seen[-1]] if seen else UNTRANSLATED
        assert self.key is not None
        table = self.tables[self.key]
        self.make_room(2, table)
        hpa = gpa + self.vm.memory.offset
        user = PTE_U
        if self.vm.cpu.guest_mode:
            user &= pte if seen else PTE_U * (vcpu.priv == 0)
        entry = hpa >> 12 << 10 | self.rights(vcpu, gpa, pte) | user | PTE_V | PTE_A | PTE_D
        self.put(table, gva, entry, 3 - len(seen) if seen else 0)

    def put(self, table: ShadowTable, gva: int, entry: int, level: int) -> None:
        """Write one entry; `level` is that of the guest's own leaf."""
        table.put(gva, entry, level)

    def rights(self, vcpu: VCPU, gpa: int, pte: int) -> int:
        """The R, W and X bits that the hart may use the guest's `pte` for in this regime."""
        if self.vm.cpu.guest_mode:  # as they stand, but that a page must be dirty to be written
            return pte & (PTE_R | PTE_X | (PTE_W if pte & PTE_D else 0))
        s, page, rights = vcpu.s, gpa & -4096, 0
        priv = s[st.PRIV]
        here, free = priv == data_privilege(s), unprotected(s)
        for access in EVERY_ACCESS if here else (st.FETCH,):
            if access == st.WRITE and pte & PTE_D == 0:
                continue  # the first store has to come here, so that D gets set
            if pte != UNTRANSLATED and not permitted(pte, access, priv, s[st.MSTATUS]):
                continue
            if free or pmp_allows(s, page, 4096, access, priv):
                rights |= access << 1
        return rights

    # --- forgetting ---------------------------------------------------------------------------

    def fence_instruction(self, word: int, gva: int, asid: int) -> None:
        """What sfence.vma, with these values in rs1 and rs2, makes stale."""
        only = asid & 0xFFFF if word >> 20 & 31 else None
        if word >> 15 & 31:
            self.fence_page(gva, only)
        else:
            self.fence(only)

    def fence(self, asid: int | None = None) -> None:
        """The guest fences: forget everything, or all that belongs to one ASID."""
        for key in list(self.tables):
            if asid is None or (key[0] and key[0] >> 44 & 0xFFFF == asid):
                self._drop_table(key)

    def fence_page(self, gva: int, asid: int | None = None) -> None:
        """The guest fences one virtual page: where it has a superpage there, forget all of it."""
        for key, table in self.tables.items():
            if key[0] and (asid is None or key[0] >> 44 & 0xFFFF == asid):
                self._drop_part(table, gva, table.level_at(gva))

    def drop(self) -> None:
        """Forget everything: what decides besides the page tables has changed."""
        for key in list(self.tables):
            self._drop_table(key)

    def written(self, gpa: int, n: int) -> None:
        """Guest memory changed other than by a hart's own store. Nothing is due before a fence."""

    def _drop_part(self, table: ShadowTable, gva: int, level: int) -> None:
        """Forget what a guest's PTE at `level` stands for."""
        if level:
            self._free(table.drop(gva, level))
            return
        table.drop_page(gva)
        for hart in self.vm.host.harts:
            hart.forget(gva)

    # --- frames -------------------------------------------------------------------------------

    def _take_frame(self) -> int:
        frame = self.vm.host.take_frame()
        assert frame is not None  # make_room has seen to it
        self.used += 1
        return frame

    def _free(self, frames: list[int]) -> None:
        """Frames are no table's any more; no hart may go on with what it read there."""
        if frames:
            self.used -= len(frames)
            for frame in frames:
                self.vm.host.give_back(frame)
            self.vm.host.memory.drop_translations()

    def _drop_table(self, key: Regime) -> None:
        if key == self.key:
            self.key = None
        self._free(self.tables.pop(key).frames())

    def make_room(self, frames: int, keep: ShadowTable | None) -> None:
        """See to it that so many frames can be taken; `keep` loses at most what it points to."""
        while self.used + frames > self.limit or self.vm.host.frames_left < frames:
            victim = next((k for k, table in self.tables.items() if table is not keep), None)
            self.evictions += 1
            if victim is not None:
                self._drop_table(victim)
            elif keep is not None and len(keep) > 1:
                self._free(keep.drop_all())
            else:
                raise ConfigError("the host has no frames left for page tables: add memory")
