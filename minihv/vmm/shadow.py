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
from minihv.hw.mmu import PTE_A, PTE_D, PTE_V, PTE_W, data_privilege
from minihv.hw.pmp import pmp_uniform
from minihv.vmm.exits import Reason
from minihv.vmm.holders import Holders
from minihv.vmm.layers import UNTRANSLATED, Paging, Regime
from minihv.vmm.shadowtable import ShadowTable

if TYPE_CHECKING:
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vcpu import VCPU
    from minihv.vmm.vm import VM

FEWEST_FRAMES = 16  # the four pages that one instruction can touch need nine
PLACES = slice(st.WALK_PLACE, st.WALK_PLACE + 3)
MOST_NOTES = 1 << 16  # about which tables hold which page


class WalkRecorder:
    """Guest RAM as the page walker reads it; `seen` holds the last walk's PTEs, root first."""

    def __init__(self, r64: memoryview):
        self.r64 = r64
        self.seen: list[int] = []

    def note(self, s: memoryview, reads: int) -> None:
        """Note where the walk went that has just read so many PTEs."""
        self.seen = s[PLACES].tolist()[::-1][:reads]


class ShadowPaging(Paging):
    """Lazy shadow tables that are dropped when the guest fences.

    limit: frames of 4 KiB that the tables of one VM may take; beyond it the table that was not
    used for the longest time goes.
    """

    def __init__(self, limit: int = 1024):
        if limit < FEWEST_FRAMES:
            raise ConfigError(f"shadow tables of {limit} frames: give {FEWEST_FRAMES} or more")
        self.limit = limit
        self.tables: dict[Regime, ShadowTable] = {}  # least recently used first
        self.holders = Holders()
        self.key: Regime | None = None  # whose table was entered last, if it is still there
        self._root = 0
        self.used = 0  # frames
        self.evictions = 0

    def attach(self, vm: VM) -> None:
        """Serve this VM from now on."""
        super().attach(vm)
        self.walker = WalkRecorder(vm.memory.views.r64)

    # --- which table the hart walks -----------------------------------------------------------

    def enter(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Let the hart walk the table that belongs to the VCPU's regime."""
        key = self.vm.cpu.regime(vcpu)
        if key != self.key:
            table = self.tables.pop(key) if key in self.tables else self._new_table()
            self.tables[key] = table  # the last of them, now
            self.key, self._root = key, table.root
        if type(self).enter is ShadowPaging.enter:
            self.table = self.key
        self.vm.cpu.install(hart, self._root)

    def _new_table(self) -> ShadowTable:
        self.make_room(1, None)
        return ShadowTable(self.vm.host.memory, self._take_frame)

    # --- a fault ------------------------------------------------------------------------------

    def guest_walk(self, vcpu: VCPU, gva: int, access: int) -> int:
        """Return the gpa that the guest's own tables give; a true fault is raised in vcpu.s."""
        s = vcpu.s
        before = s[st.WALK_READS]
        gpa = vcpu.calls.locate(gva, 1, access)
        self.walker.note(s, s[st.WALK_READS] - before)
        return gpa

    def obstacle(self, vcpu: VCPU, gva: int, gpa: int, access: int) -> Reason | None:
        """As Paging; nor may the hart do what depends on more than the page and the regime."""
        reason, s = self.vm.memory.obstacle(gpa, access), vcpu.s
        if reason == Reason.MMIO:
            return reason
        if not vcpu.unprotected and not pmp_uniform(s, gpa & -4096):
            return Reason.ACCESS
        if access != st.FETCH and s[st.MSTATUS] & st.MPRV and data_privilege(s) != s[st.PRIV]:
            return Reason.ACCESS
        return reason

    def fill(self, vcpu: VCPU, gva: int, gpa: int) -> None:
        """Enter gva's page, which `guest_walk` has just translated, with all that it allows."""
        seen = self.walker.seen
        pte = self.walker.r64[seen[-1]] if seen else UNTRANSLATED
        assert self.key is not None
        table = self.tables[self.key]
        self.make_room(2, table)
        hpa = gpa + self.vm.memory.offset
        entry = hpa >> 12 << 10 | self.rights(vcpu, gpa, pte) | PTE_V | PTE_A | PTE_D
        self.put(table, gva, entry, 3 - len(seen) if seen else 0)

    def put(self, table: ShadowTable, gva: int, entry: int, level: int) -> None:
        """Write one entry; `level` is that of the guest's own leaf."""
        table.put(gva, entry)
        if self.key is not None and self.key[0]:  # without satp there is nothing to fence
            self.holders.add(self.key, gva, level)

    def rights(self, vcpu: VCPU, gpa: int, pte: int) -> int:
        """Return R, W, X and U of an entry: what `cpu` says, but W only where a store may pass.

        The first store to a page must come here, so that D gets set; each, to a protected frame.
        """
        rights = self.vm.cpu.rights(vcpu, gpa, pte)
        if rights & PTE_W and (not pte & PTE_D or self.vm.memory.protects(gpa)):
            rights &= ~PTE_W
        return rights

    # --- forgetting ---------------------------------------------------------------------------

    def fence_instruction(self, word: int, gva: int, asid: int) -> None:
        """Forget what sfence.vma, with these values in rs1 and rs2, makes stale."""
        only = asid & 0xFFFF if word >> 20 & 31 else None
        if word >> 15 & 31:
            self.fence_page(gva, only)
        else:
            self.fence(only)

    def fence(self, asid: int | None = None) -> None:
        """Forget everything, or all that belongs to one ASID."""
        for key in list(self.tables) if asid is None else self.holders.of_space(asid):
            self._drop_table(key)

    def fence_page(self, gva: int, asid: int | None = None) -> None:
        """Forget one virtual page; if the guest has a superpage there, forget all of it."""
        for key, level in self.holders.take(gva, asid):
            self._drop_part(self.tables[key], gva, level)

    def drop(self) -> None:
        """Forget everything: what decides besides the page tables has changed."""
        for key in list(self.tables):
            self._drop_table(key)

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
        """Give back frames of no table any more; no hart may go on with what it read there."""
        if frames:
            self.used -= len(frames)
            for frame in frames:
                self.vm.host.give_back(frame)
            self.vm.host.memory.drop_translations()

    def _drop_table(self, key: Regime) -> None:
        if key == self.key:
            self.key = self.table = None
        self.holders.forget(key)
        self._free(self.tables.pop(key).frames())

    def make_room(self, frames: int, keep: ShadowTable | None) -> None:
        """Make room for so many frames; `keep`, the present table, loses at most its contents."""
        while (self.used + frames > self.limit or self.vm.host.frames_left < frames
               or self.holders.notes > MOST_NOTES):  # fmt: skip
            victim = next((k for k, table in self.tables.items() if table is not keep), None)
            self.evictions += 1
            if victim is not None:
                self._drop_table(victim)
            elif keep is not None and (len(keep) > 1 or self.holders.notes > MOST_NOTES):
                assert self.key is not None
                self.holders.forget(self.key)
                self._free(keep.drop_all())
            else:
                raise ConfigError("the host has no frames left for page tables: add memory")
