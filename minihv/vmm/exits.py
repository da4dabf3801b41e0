"""VM exits as data: why the guest left the hart, and who is told.

A VM counts its exits by reason, keeps the last of them, and lets observers look at each or do the
hypervisor's work in its place.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

LOG = 1024  # exits that a VM remembers


class Reason(StrEnum):
    """Why a guest left the hart."""

    CSR = "csr"  # it read or wrote a control register
    RETURN = "return"  # sret, mret
    FENCE = "fence"  # sfence.vma
    WAIT = "wait"  # wfi
    CALL = "sbi"  # its kernel called the firmware: a hypercall
    SYSCALL = "syscall"  # any other ecall: its user called its kernel, or that its own firmware
    ILLEGAL = "illegal"  # no instruction of this machine
    FAULT = "fault"  # its own page tables do not allow the access
    FILL = "fill"  # they do, and the hypervisor's tables did not map the page yet
    TABLE = "table"  # it wrote to a frame that is kept write-protected: a page table
    MMIO = "mmio"  # a device's register
    ACCESS = "access"  # any other access that has to be carried out by hand
    EXCEPTION = "exception"  # breakpoint, misaligned address
    TIMER = "timer"  # a virtual timer has expired
    SLICE = "slice"  # its turn on the hart is over


class VMExit(NamedTuple):
    """One exit.

    `cause` as in mcause, -1 if no trap was taken; `pc` and `gva` are guest-virtual addresses, `gpa`
    is a guest-physical one, -1 if there is none; `instruction` is the word that could not be
    executed, 0 if the hypervisor did not look at it.
    """

    reason: Reason
    cause: int
    pc: int
    gva: int = -1
    gpa: int = -1
    instruction: int = 0


new_exit: Callable[[tuple], VMExit] = partial(tuple.__new__, VMExit)  # in half the time

# Told of a VCPU's exit before it is handled; True says that it has been handled.
Observer = Callable[[Any, VMExit], bool | None]


class Exits(Counter[str]):
    """Exits counted by reason, the last of them in `log`, and the observers."""

    def __init__(self, *initial: Any):
        super().__init__(*initial)
        self.log: deque[VMExit] = deque(maxlen=LOG)
        self.observers: dict[Reason, list[Observer]] = {}

    def count(self, reason: Reason, cause: int, pc: int, gva: int = -1, gpa: int = -1,
              instruction: int = 0) -> None:  # fmt: skip
        """Count and remember an exit, as `note` does, that nobody observes."""
        self[reason] += 1
        self.log.append(new_exit((reason, cause, pc, gva, gpa, instruction)))

    def note(self, vcpu: Any, exit: VMExit) -> bool:
        """Count and remember an exit; return whether an observer has handled it."""
        self[exit.reason] += 1
        self.log.append(exit)
        if not self.observers:
            return False
        return any(observer(vcpu, exit) for observer in self.observers.get(exit.reason, ()))
