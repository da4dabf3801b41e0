"""Stand-ins for what the devices are wired to: a hart, memory, an interrupt line, a stop call."""

from __future__ import annotations

from minihv.devices.console import Console
from minihv.hw.bus import AccessFault

RAM = 0x80000000


class FakeMemory:
    """RAM at 0x80000000, with the bounds check that real guest memory has."""

    def __init__(self, size: int = 0x10000):
        self.data = bytearray(size)
        self.fences = 0

    def fence(self) -> None:
        self.fences += 1

    def _at(self, gpa: int, n: int) -> int:
        if gpa < RAM or n < 0 or gpa + n > RAM + len(self.data):
            raise AccessFault(gpa)
        return gpa - RAM

    def read(self, gpa: int, n: int) -> bytes:
        at = self._at(gpa, n)
        return bytes(self.data[at : at + n])

    def write(self, gpa: int, data: bytes) -> None:
        at = self._at(gpa, len(data))
        self.data[at : at + len(data)] = data

    def word(self, gpa: int) -> int:
        return int.from_bytes(self.read(gpa, 8), "little")


class Line:
    """An interrupt line that remembers its level and how often it changed."""

    def __init__(self) -> None:
        self.level = False
        self.edges = 0

    def __call__(self, level: bool) -> None:
        self.edges += level != self.level
        self.level = level


class FakeHart:
    """A hart that records what was asked of it. Registers are signed, x0 ignores writes."""

    def __init__(self, hart_id: int = 0, status: str = "started"):
        self.id = hart_id
        self.x = self.s = [0] * 32
        self.pc = 0
        self.mtime = 0
        self.mtimecmp = (1 << 64) - 1
        self.mip = 0
        self.status = status
        self.calls: list[tuple] = []

    def set_sbi_timer(self, mtime_deadline: int) -> None:
        self.calls.append(("set_sbi_timer", mtime_deadline))

    def set_pending(self, bit: int, level: bool) -> None:
        self.mip = self.mip & ~(1 << bit) | level << bit

    def pending(self, bit: int) -> bool:
        return bool(self.mip >> bit & 1)

    def start(self, pc: int, a1: int) -> None:
        self.pc, self.x[10], self.x[11], self.status = pc, self.id, a1, "started"

    def stop(self) -> None:
        self.status = "stopped"

    def suspend(self) -> None:
        self.status = "suspended"


class FakeHost:
    """An SbiHost of n harts, hart 0 started; virtual addresses are mapped by a dictionary."""

    def __init__(self, n: int = 2):
        self.harts = [FakeHart(i, "stopped" if i else "started") for i in range(n)]
        self.console = Console()
        self.memory = FakeMemory()
        self.virtual: dict[int, int] = {}
        self.ended: list[tuple[int, str]] = []

    def shutdown(self, exit_status: int, reason: str) -> None:
        self.ended.append((exit_status, reason))

    def load_virtual(self, hart: FakeHart, gva: int) -> int | None:
        return self.virtual.get(gva)
