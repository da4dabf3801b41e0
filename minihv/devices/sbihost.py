"""What the SBI acts on: the seam between its services and whoever provides them.

The machine's board is one SbiHost (its harts, its console); a hypervisor is another (its virtual
CPUs, a virtual console). The services in `sbi.py` see nothing but this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class SbiHart(Protocol):
    """What the SBI needs of a hart or a virtual CPU. `x` holds signed 64-bit registers."""

    @property
    def id(self) -> int: ...
    @property
    def x(self) -> Any: ...
    @property
    def status(self) -> str: ...  # a key of sbi.HART_STATES

    def set_sbi_timer(self, mtime_deadline: int) -> None:
        """Clear STIP, raise it when mtime reaches the deadline (unsigned)."""

    def set_pending(self, bit: int, level: bool) -> None: ...
    def pending(self, bit: int) -> bool: ...
    def fence_i(self) -> None: ...
    def sfence(self) -> None: ...
    def start(self, pc: int, a1: int) -> None:
        """Run in S-mode at guest physical `pc`, a0 = id, satp = 0, SIE = 0; `sie` is kept."""

    def stop(self) -> None: ...
    def suspend(self) -> None:
        """Wait until an interrupt enabled in `sie` is pending, then go on."""


class SbiMemory(Protocol):
    """Guest physical memory, contiguous; both methods raise AccessFault outside it."""

    def read(self, gpa: int, n: int) -> bytes: ...
    def write(self, gpa: int, data: bytes) -> None: ...


class SbiConsole(Protocol):
    """Where the supervisor's characters go and come from."""

    def write(self, data: bytes) -> None: ...
    def read(self, n: int = 1) -> bytes: ...


class SbiHost(Protocol):
    """The world that the firmware acts on. Hart ids are the indices of `harts`.

    Wherever a method takes a hart, it is one of `harts`, so a host may narrow the type.
    """

    @property
    def harts(self) -> Sequence[SbiHart]: ...
    @property
    def console(self) -> SbiConsole: ...
    @property
    def memory(self) -> SbiMemory: ...

    def shutdown(self, exit_status: int, reason: str) -> None:
        """End the run: reason "exit", or "reset" when the supervisor asked for a reboot."""

    def load_virtual(self, hart: Any, gva: int) -> int | None:
        """The 64-bit word at a virtual address of the supervisor (legacy calls only).

        None: it faulted, and the host has redirected the fault to the supervisor with sepc at the
        ECALL, as chapter 5 asks.
        """


Args = Sequence[int]  # a0..a5, unsigned
Answer = tuple[int, int] | None  # (error, value); None: the call does not return
