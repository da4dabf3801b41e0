"""The machine that a hypervisor owns: its RAM, in part lent to guests, and its harts."""

from __future__ import annotations

import gc
from weakref import WeakSet

from minihv.devices.virt import SENSITIVE, default_engine
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.causes import DELEGABLE
from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE, Memory
from minihv.hw.regions import watch
from minihv.vmm import worldswitch
from minihv.vmm.memory import GuestMemory

MEBIBYTE = 1 << 20
OWN_MEMORY = 16 * MEBIBYTE  # what a hypervisor keeps for itself: page tables
ALIGNMENT = 2 * MEBIBYTE  # of a guest's memory in the host's
SV39 = 8 << 60  # the mode field of satp
MANY_NAMES = 26  # of address spaces in a hart's TLB; see tlb.space_number


HOSTS: WeakSet[Host] = WeakSet()
GARBAGE = 256 * MEBIBYTE  # that may wait for Python's collector
_most = GARBAGE


def _make_room(size: int) -> None:
    """Collect garbage if the hosts that are left, with `size` bytes more, have grown to twice.

    A VM is part of a cycle (its virtual CPUs know it), so it goes when Python looks for cycles,
    and how often that happens does not depend on how much memory they hold.
    """
    global _most
    if sum(host.memory.size for host in list(HOSTS)) + size > _most:
        gc.collect()
        _most = max(GARBAGE, 2 * sum(host.memory.size for host in list(HOSTS)))


class PhysicalHart(Hart):
    """A hart whose M- and HS-mode are the host's.

    Guests run deprivileged in its U-mode, or in its VS- and VU-mode (`vmm.hardware`).
    """

    def __init__(self, number: int, memory: Memory, kind: str):
        super().__init__(number, memory, kind, hypervisor=True)
        self.own_machine_mode()  # PMP is open: page tables do the rest
        self.s[st.HOST] = 3  # HS-mode is ours, too
        self.s[st.MEDELEG] |= DELEGABLE  # to HS, which may send them on to VS
        self.priv = 0

    def atp(self, root: int) -> int:
        """Return the value of satp, vsatp or hgatp for tables with their root at hpa `root`."""
        return root >> 12 | SV39 - (1 << 64)

    def deprivilege(self) -> None:
        """Be in U-mode, after a guest that ran in VS-mode."""
        worldswitch.deprivilege(self)

    def translate_by(self, root: int) -> None:
        """Let the tables with their root at hpa `root` translate from now on."""
        s = self.s
        satp = self.atp(root)
        if s[st.SATP] != satp:
            s[st.SATP] = satp
            if s[st.SPACES_USED] > MANY_NAMES:
                self.flush()
            self.calls.update_contexts()

    def instruction_at(self, pc: int) -> int:
        """Return the word at `pc`, which was just fetched; 0 if it crosses into another page."""
        entry = st.TLB_FETCH + ((pc >> 12 & st.TLB_ENTRIES - 1) << 1)
        if self.tlb[entry] != pc & -PAGE | self.s[st.FETCH_CONTEXT]:
            return 0
        halves = self.memory.views.r16
        index = pc + self.tlb[entry + 1] >> 1
        low = halves[index] & 0xFFFF
        if low & 3 != 3:
            return low
        return 0 if pc & PAGE - 1 == PAGE - 2 else low | (halves[index + 1] & 0xFFFF) << 16

    def forget(self, va: int) -> None:
        """Forget what the TLB knows about one virtual page."""
        self.calls.flush_page(va)


class Host:
    """A machine for guests: `memory` bytes of RAM, `harts` harts; it lends RAM to VMs.

    Host-physical memory begins with the hypervisor's own frames, which hold page tables; guests
    get what follows, so that no guest-physical address is its host-physical one.
    sensitive: as Machine's; on a "silent" host trap-and-emulate goes wrong: End("lost").
    sparse: as Memory's. ConfigError if the memory does not suffice.
    """

    def __init__(
        self, memory: int, harts: int = 1, engine: str | None = None, sensitive: str = "trap",
        sparse: bool = False,
    ):  # fmt: skip
        if sensitive not in SENSITIVE:
            raise ConfigError(f"sensitive {sensitive!r}: choose 'trap' or 'silent'")
        self.engine = engine or default_engine()
        _make_room(memory)
        self.memory = Memory(memory + OWN_MEMORY, sparse=sparse)
        HOSTS.add(self)
        self.harts = [PhysicalHart(i, self.memory, self.engine) for i in range(harts)]
        for hart in self.harts:
            hart.s[st.SILENT] = int(sensitive == "silent")
        if self.engine == "jit":
            watch(self.memory)
        base = self.memory.base
        self._free = list(range(base + OWN_MEMORY - PAGE, base - PAGE, -PAGE))
        self._lent: list[GuestMemory] = []
        self._vmids = 0

    # --- frames for page tables ---------------------------------------------------------------

    @property
    def frames_left(self) -> int:
        """The number of frames that can be taken."""
        return len(self._free)

    def take_frame(self) -> int | None:
        """Return the hpa of a zeroed page, None if there is none left."""
        if not self._free:
            return None
        frame = self._free.pop()
        offset = frame - self.memory.base
        self.memory.bytes[offset : offset + PAGE] = 0
        return frame

    def give_back(self, frame: int) -> None:
        """Take back a frame, which no table may point to any more."""
        self._free.append(frame)

    def take_root(self) -> int:
        """Return a root table of Sv39x4: four zeroed frames in a row at a multiple of 16 KiB."""
        free = set(self._free)
        for root in sorted(free):
            frames = {root + k * PAGE for k in range(4)}
            if root % (4 * PAGE) == 0 and frames <= free:
                self._free = [frame for frame in self._free if frame not in frames]
                offset = root - self.memory.base
                self.memory.bytes[offset : offset + 4 * PAGE] = 0
                return root
        raise ConfigError("the host has no 16 KiB in a row left for a page table: add memory")

    def give_back_root(self, root: int) -> None:
        """Take back what `take_root` gave."""
        self._free += [root + k * PAGE for k in range(4)]

    def new_vmid(self) -> int:
        """Return a number for a VM's translations; hgatp has 14 bits for it."""
        self._vmids += 1
        return self._vmids & 0x3FFF

    # --- memory for guests --------------------------------------------------------------------

    def lend(self, size: int) -> GuestMemory:
        """Return `size` bytes of RAM for a guest, from the first gap that is large enough."""
        start = OWN_MEMORY
        for other in sorted(self._lent, key=lambda memory: memory.offset):
            if start + size <= other.offset:
                break
            start = other.offset + other.size + ALIGNMENT - 1 & -ALIGNMENT
        if start + size > self.memory.size:
            raise ConfigError(
                f"the host has no {size >> 10} KiB of memory left for another guest: "
                "give it more, or the guests less"
            )
        memory = GuestMemory(self.memory, start, size)
        self._lent.append(memory)
        return memory

    def take_back(self, memory: GuestMemory) -> None:
        """Take back and clear a guest's memory."""
        self._lent.remove(memory)
        self.memory.clear(memory.offset, memory.size)
        memory.flags[:] = 0
        self.memory.drop_code()
        self.memory.drop_translations()
