"""RAM, and beside it what all harts share about it: page flags and the decode cache."""

from __future__ import annotations

import mmap
from typing import Any, NamedTuple

import numpy as np

from minihv.errors import ConfigError
from minihv.hw.bus import AccessFault
from minihv.hw.mmu import hits_code
from minihv.hw.state import *

PAGE = 4096
CODE_PAGES = 4096  # of the decode cache; memory that is never touched costs nothing
LARGEST = 1 << 40


def _sparse(size: int) -> mmap.mmap | None:
    """Return zeroed memory without huge pages, which NumPy would ask for; None if unknown here."""
    if not hasattr(mmap, "MADV_NOHUGEPAGE"):
        return None
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    except OSError:
        pass  # a kernel that knows no huge pages
    return memory


class Arrays(NamedTuple):
    """What the harts of a machine share, in the order in which the run loop takes it."""

    r8: Any  # RAM as signed integers of 8 bits, and so on: (bytes of RAM / 1, 2, 4, 8) elements
    r16: Any
    r32: Any
    r64: Any
    page_flags: Any  # a byte per physical page: PAGE_* of `state`
    code: Any  # the decode cache: CODE_STRIDE int64 per code page
    code_of: Any  # int32 per physical page: its code page, 0 for none
    shared: Any  # SHARED_SLOTS int64: see `state`

    @property
    def for_walks(self) -> tuple[Any, Any, Any, Any]:
        """What the functions of `mmu` take: r64, page_flags, code, code_of."""
        return self.r64, self.page_flags, self.code, self.code_of


class Memory:
    """`size` bytes of RAM from RAM_BASE on, as bytes for the host and as arrays for the harts.

    Every access of the host is bounds-checked; a write marks pages dirty and drops instructions
    that were decoded from them. Untouched pages cost no host memory. sparse: a touched page costs
    4 KiB and not, if the host has them, a huge page of 2 MiB; for many small guests.
    """

    def __init__(self, size: int, base: int = RAM_BASE, sparse: bool = False):
        if size <= 0 or size % PAGE or size > LARGEST:
            raise ConfigError(
                f"memory of {size} bytes: give a positive multiple of 4096 bytes, such as 128M, "
                "and at most 1024G"
            )
        self.base = base
        self.size = size
        try:
            self._map = _sparse(size) if sparse else None
            self.bytes = np.zeros(size, np.uint8) if self._map is None else (
                np.frombuffer(self._map, np.uint8))  # fmt: skip
        except (MemoryError, ValueError, OSError) as error:
            raise ConfigError(f"this host has no {size} bytes of memory to give") from error
        self.flags = np.zeros(size // PAGE, dtype=np.uint8)
        pages = min(CODE_PAGES, size // PAGE + 1)
        self.code = np.zeros((pages + 1) * CODE_STRIDE, dtype=np.int64)
        self.code_of = np.zeros(size // PAGE, dtype=np.int32)
        self.shared = np.zeros(SHARED_SLOTS, dtype=np.int64)
        self.shared[SHARED_CODE_PAGES] = 1
        self.regions: Any = None  # who translates its hot code (`regions.HotRegions`), if anyone
        self._show()

    def _show(self) -> None:
        """Make `arrays` for the compiled engine; `views` of the same, which Python reads faster."""
        signed = [self.bytes.view(kind) for kind in (np.int8, np.int16, np.int32, np.int64)]
        shown = [*signed, self.flags, self.code, self.code_of, self.shared]
        self.arrays = Arrays._make(shown)
        self.views = Arrays._make(memoryview(array) for array in shown)

    def _offset(self, gpa: int, n: int) -> int:
        offset = gpa - self.base
        if n < 0 or offset < 0 or offset + n > self.size:
            raise AccessFault(f"{n} bytes at {gpa:#x} are not in RAM")
        return offset

    def read(self, gpa: int, n: int) -> bytes:
        """Return `n` bytes from guest-physical `gpa`; AccessFault if they are not all RAM."""
        offset = self._offset(gpa, n)
        return self.bytes[offset : offset + n].tobytes()

    def write(self, gpa: int, data: bytes) -> None:
        """Store `data` at guest-physical `gpa`; AccessFault if that is not all RAM."""
        if not data:
            return
        offset = self._offset(gpa, len(data))
        self.bytes[offset : offset + len(data)] = np.frombuffer(data, dtype=np.uint8)
        first, last = offset // PAGE, (offset + len(data) - 1) // PAGE
        self.flags[first : last + 1] |= PAGE_DIRTY
        for page in range(first, last + 1):
            if self.flags[page] & PAGE_CODE:
                low = max(offset - page * PAGE, 0)
                high = min(offset + len(data) - page * PAGE, PAGE)
                start = int(self.code_of[page]) * CODE_STRIDE
                if hits_code(self.code, start + (low >> 1), start + (high - 1 >> 1)):
                    self.code[start : start + CODE_STRIDE] = 0
                    self.flags[page] &= ~(PAGE_CODE | PAGE_REGION) & 0xFF

    def clear(self, offset: int, size: int) -> None:
        """Zero these pages, and give the host back what it can have; flags stay."""
        if self._map is not None and offset % mmap.PAGESIZE == size % mmap.PAGESIZE == 0:
            self._map.madvise(mmap.MADV_DONTNEED, offset, size)
        else:
            pages = self.bytes[offset : offset + size].reshape(-1, PAGE)
            pages[pages.any(axis=1)] = 0  # the others were never touched, and cost nothing so far

    def read_u64(self, gpa: int) -> int:
        """Return the unsigned doubleword at guest-physical `gpa`."""
        return int.from_bytes(self.read(gpa, 8), "little")

    def drop_code(self) -> None:
        """Forget all decoded instructions, as when breakpoints changed."""
        used = int(self.shared[SHARED_CODE_PAGES])
        self.code[: used * CODE_STRIDE] = 0
        self.code_of[:] = 0
        self.flags &= np.uint8(~(PAGE_CODE | PAGE_REGION) & 0xFF)
        self.shared[SHARED_CODE_PAGES] = 1

    def fence(self) -> None:
        """Order all harts' translations after all stores so far: their TLBs are empty then."""
        self.shared[SHARED_EPOCH] += 1

    def translate_nothing(self) -> None:
        """Make no regions of hot code from now on."""
        self.shared[SHARED_HOT] = self.shared[SHARED_HOTTER] = 0

    def drop_translations(self) -> None:
        """Make every hart forget its TLB before it runs on, as when page flags changed."""
        self.shared[SHARED_EPOCH] += 1
