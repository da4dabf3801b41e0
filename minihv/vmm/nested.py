"""Nested paging: the hart translates gva to gpa by the guest's own tables, and gpa to hpa by ours.

The second stage, G-stage (hgatp, Sv39x4), is one table for a VM, whatever its processes do: the
guest changes its page tables and fences without an exit. It is filled lazily, at the first touch
of a guest-physical page, and it maps nothing but the VM's own memory. The price is paid at a TLB
miss: each of the guest's PTEs is at a guest-physical address that must be translated first.

Source: Privileged ISA 20240411, section 15.5; Bhargava et al. 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.memory import PAGE
from minihv.hw.mmu import PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X
from minihv.vmm.layers import Paging
from minihv.vmm.shadowtable import ShadowTable

if TYPE_CHECKING:
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vcpu import VCPU
    from minihv.vmm.vm import VM

LARGE = PAGE << 9
ALL_RIGHTS = PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D


class NestedPaging(Paging):
    """A lazily filled G-stage table. page: bytes that one fault maps, 4096 or 2 MiB.

    2 MiB that are not all ordinary RAM, or in which a frame is protected, get smaller pages.
    """

    def __init__(self, page: int = PAGE):
        if page not in (PAGE, LARGE):
            raise ConfigError(f"G-stage pages of {page} bytes: choose {PAGE} or {LARGE}")
        self.page = page
        self.table: ShadowTable | None = None
        self.mapped = 0  # bytes of guest memory that the table maps

    def attach(self, vm: VM) -> None:
        """Serve this VM from now on. ConfigError if its `cpu` has one stage only."""
        super().attach(vm)
        vm.cpu.nest()
        self.vmid = vm.host.new_vmid()

    def enter(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Let the hart walk the guest's tables, and then this one."""
        table = self._new_table() if self.table is None else self.table
        hart.s[st.VSATP] = vcpu.s[st.SATP]
        hart.s[st.HGATP] = hart.atp(table.root) | self.vmid << 44

    def fill(self, vcpu: VCPU, gva: int, gpa: int) -> None:
        """Map the page of guest memory that gpa lies in."""
        if self.vm.host.frames_left < 2:
            self.drop()
        table = self.table or self._new_table()
        entry = (gpa + self.vm.memory.offset) >> 12 << 10 | ALL_RIGHTS
        if self.vm.memory.protects(gpa):
            entry &= ~PTE_W
        if self.page == LARGE and self._plain(gpa & -LARGE):
            table.put_large(gpa, entry & ~(511 << 10))
            self.mapped += LARGE
        else:
            table.put(gpa, entry)
            self.mapped += PAGE

    def _plain(self, gpa: int) -> bool:
        """Return whether the 2 MiB from gpa are ordinary RAM, at an hpa of the same alignment."""
        memory = self.vm.memory
        first = gpa - memory.base >> 12
        inside = 0 <= first and first + 512 <= memory.size >> 12
        flags = memory.flags[first : first + 512]
        if not inside or memory.offset % LARGE or (flags & st.PAGE_SLOW).any():
            return False
        return not any(map(memory.protects, range(gpa, gpa + LARGE, PAGE)))

    # --- forgetting ---------------------------------------------------------------------------

    def fence(self, asid: int | None = None) -> None:
        """Let all harts forget: what is made from the guest's tables is in their TLBs alone."""
        for hart in self.vm.host.harts:
            hart.sfence()

    def drop(self) -> None:
        """Forget everything: what decides besides page tables has changed."""
        if self.table is not None:
            for frame in self.table.frames():
                self.vm.host.give_back(frame)
            self.vm.host.give_back_root(self.table.root)
            self.table, self.mapped = None, 0
            self.vm.host.memory.drop_translations()

    # --- frames -------------------------------------------------------------------------------

    def _new_table(self) -> ShadowTable:
        self.table = ShadowTable(self.vm.host.memory, self._take_frame, self.vm.host.take_root())
        return self.table

    def _take_frame(self) -> int:
        frame = self.vm.host.take_frame()
        if frame is None:
            raise ConfigError("the host has no frames left for page tables: add memory")
        return frame
