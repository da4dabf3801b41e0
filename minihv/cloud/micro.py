"""A microVM: harts, RAM and a console, and nothing else; cheap to make, and cheaper to copy.

The guest's console is the SBI's (DBCN); while input waits, the supervisor's external interrupt is
pending, without any controller between. There is no bus: what is outside RAM faults. After
Firecracker (Agache et al. 2020), which keeps a handful of devices, and LightVM (Manco et al. 2017).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minihv.devices.board import Board, Part
from minihv.devices.image import Image
from minihv.devices.virt import VIRT
from minihv.errors import ConfigError
from minihv.hw.bus import Device
from minihv.hw.causes import SEI
from minihv.hw.memory import PAGE
from minihv.vmm.memory import GuestMemory
from minihv.vmm.vm import VM

# What Linux can be asked about memory (madvise(2)). Small pages: no huge ones there; one costs
# 2 MiB, and the time to clear it, though a small guest touches a few KiB. Unused: free the pages;
# what is read there next is 0.
SMALL_PAGES, UNUSED = 15, 4


class InputLine(Device):
    """The supervisor's external interrupt on hart 0, pending while console input waits."""

    def __init__(self, board: Board):
        self._console, self._hart = board.console, board.harts[0]
        board.console.listen(self.settle)

    def settle(self) -> None:
        """Drive the line."""
        self._hart.set_pending(SEI, self._console.pending())


# The tree is that of the whole board, so a kernel takes the same steps on both; the devices that it
# names are not there.
CONSOLE_ONLY = (*(replace(part, make=None) for part in VIRT), Part("input", make=InputLine))


class MicroVM(VM):
    """`MicroVM(image, append=..., host=...)`: as VM, with fewer options and 4 MiB of memory.

    A run ends with "input" when the guest waits for console input with SEIE set.
    """

    def __init__(
        self,
        image: str | os.PathLike[str] | bytes | None = None,
        *,
        memory: int = 4 << 20,
        **options: Any,
    ):
        super().__init__(image, memory=memory, parts=CONSOLE_ONLY, **options)
        self.poll = bytes  # no input by itself, but it may come

    def _new_memory(self, size: int) -> GuestMemory:
        memory = super()._new_memory(size)
        advise(memory.bytes, SMALL_PAGES)
        return memory


def advise(array: np.ndarray, advice: int) -> None:
    """Tell Linux about the whole pages of the host inside `array`; elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    start = array.ctypes.data + PAGE - 1 & -PAGE
    length = (array.ctypes.data + array.nbytes & -PAGE) - start
    if length > 0:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), advice)


@dataclass(frozen=True)
class Snapshot:
    """A stopped VM as data, from which any number of others can be made.

    frames: numbers of the pages of guest RAM that are not zero; contents: these pages, a row each.
    """

    image: Image
    memory: int
    frames: np.ndarray
    contents: np.ndarray
    saved: dict[str, Any]
    log: tuple[Any, ...]

    @property
    def size(self) -> int:
        """Bytes of guest memory that it holds."""
        return int(self.contents.size)


def snapshot(vm: VM) -> Snapshot:
    """Return what `vm` is now. Everything is copied: the VM may run on."""
    if vm.image is None:
        raise ConfigError("a VM without a guest has nothing to snapshot: load one first")
    pages = vm.memory.bytes.reshape(-1, PAGE)
    frames = np.flatnonzero(pages.any(axis=1))
    return Snapshot(vm.image, vm.memory.size, frames, pages[frames], vm.save(),
                    tuple(vm.input_log))  # fmt: skip


def clone(taken: Snapshot, kind: type[VM] = MicroVM, **options: Any) -> VM:
    """Return a VM that goes on where the snapshot was taken; options (host, cpu, paging): VM's.

    Nothing is shared but the snapshot, which nobody writes. `kind` must be the class, with the
    layers that its saved state fits, of the VM that it was taken of. Pages that the clone writes
    from now on are marked PAGE_DIRTY in its memory's flags.
    """
    vm = kind(memory=taken.memory, harts=len(taken.saved["harts"]), **options)
    vm.memory.bytes.reshape(-1, PAGE)[taken.frames] = taken.contents
    vm.equip(taken.image)
    for vcpu in vm.harts:
        vcpu.protection = 0 if taken.image.boot == "s" else vcpu.id  # type: ignore[attr-defined]
    vm.restore(taken.saved)
    vm.input.entries = list(taken.log)
    return vm
