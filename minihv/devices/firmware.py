"""The host as firmware: what a machine booted in S-mode finds instead of code in M-mode.

    S-mode   ecall --> trap to M, which the host owns: EXIT_TRAP --> serve, Sbi.call
             pc + 4 <------------------------------------------------- answers in a0, a1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minihv.devices.instant import End
from minihv.hw import state as st
from minihv.hw.bits import i64
from minihv.hw.causes import ECALL_S
from minihv.hw.hart import STARTED, STOPPED, Hart

if TYPE_CHECKING:
    from minihv.devices.virt import Machine


def boot_supervisor(harts: Sequence[Hart], entry: int, tree: int) -> None:
    """Enter the supervisor at gpa `entry` on hart 0, a1 the device tree's; stop the others."""
    for hart in harts:
        hart.own_machine_mode()
        hart.start(entry, tree)
        hart.status = STARTED if hart.id == 0 else STOPPED


def serve(machine: Machine, hart: Hart) -> End | None:
    """Serve and count the call for which `hart` has just trapped into the host."""
    s = hart.s
    if s[st.CAUSE] != ECALL_S:
        raise AssertionError(f"M-mode trap {s[st.CAUSE]} is not delegated")
    machine.served += 1
    s[st.SKIP] = -1  # the clock stands still, but this is another instruction
    s[st.PC] = i64(s[st.PC] + 4)
    machine.calls[machine.sbi.call(hart)] += 1
    if machine.console.starved:
        machine._ask_for_input()
    if s[st.CAUSE] != ECALL_S:  # it named memory that the guest has not mapped
        machine._trapped(hart)
    return End("trap") if machine._at_traps and machine.board.ended is None else None
