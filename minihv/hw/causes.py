"""Why a trap was taken: the codes of mcause and scause, by number and by name.

Source: Privileged ISA 20240411, section 3.1.15, table 14; exceptions 10 and 20 to 23 and interrupts
2, 6, 10 and 12 come with the H extension (section 15.5).
"""

from __future__ import annotations

INTERRUPT = -(1 << 63)  # added to the code of an interrupt
EXCEPTIONS: dict[int, str] = {}
INTERRUPTS: dict[int, str] = {}


def exception(code: int, name: str) -> int:
    """Register an exception; return its code."""
    EXCEPTIONS[code] = name
    return code


def interrupt(code: int, name: str) -> int:
    """Register an interrupt; return its code, which is also its bit of mip and mie."""
    INTERRUPTS[code] = name
    return code


FETCH_MISALIGNED = exception(0, "Instruction address misaligned")
FETCH_ACCESS = exception(1, "Instruction access fault")
ILLEGAL = exception(2, "Illegal instruction")
BREAKPOINT_TRAP = exception(3, "Breakpoint")
LOAD_MISALIGNED = exception(4, "Load address misaligned")
LOAD_ACCESS = exception(5, "Load access fault")
STORE_MISALIGNED = exception(6, "Store/AMO address misaligned")
STORE_ACCESS = exception(7, "Store/AMO access fault")
ECALL_U = exception(8, "Environment call from U-mode")  # + privilege: 9 from S, 11 from M
ECALL_S = exception(9, "Environment call from S-mode")
ECALL_VS = exception(10, "Environment call from VS-mode")
exception(11, "Environment call from M-mode")
FETCH_PAGE_FAULT = exception(12, "Instruction page fault")
LOAD_PAGE_FAULT = exception(13, "Load page fault")
STORE_PAGE_FAULT = exception(15, "Store/AMO page fault")
exception(18, "Software check")
exception(19, "Hardware error")
FETCH_GUEST_FAULT = exception(20, "Instruction guest-page fault")
LOAD_GUEST_FAULT = exception(21, "Load guest-page fault")
VIRTUAL_INSTRUCTION = exception(22, "Virtual instruction")
STORE_GUEST_FAULT = exception(23, "Store/AMO guest-page fault")

SSI = interrupt(1, "Supervisor software interrupt")
VSSI = interrupt(2, "Virtual supervisor software interrupt")
MSI = interrupt(3, "Machine software interrupt")
STI = interrupt(5, "Supervisor timer interrupt")
VSTI = interrupt(6, "Virtual supervisor timer interrupt")
MTI = interrupt(7, "Machine timer interrupt")
SEI = interrupt(9, "Supervisor external interrupt")
VSEI = interrupt(10, "Virtual supervisor external interrupt")
MEI = interrupt(11, "Machine external interrupt")
interrupt(12, "Supervisor guest external interrupt")
interrupt(13, "Counter-overflow interrupt")



def codes(*numbers: int) -> int:
    """Return the set of these codes as a mask, as mideleg, medeleg, mie and mip write it."""
    return sum(1 << number for number in numbers)


FETCH_CAUSES = codes(0, 1, 3, 12, 20)  # those that leave the instruction's address in tval
ADDRESS_CAUSES = FETCH_CAUSES | codes(4, 5, 6, 7, 13, 15, 21, 23)  # and those that leave any there
# What HS-mode can leave to VS-mode (section 15.2.2), M-mode to S-mode, and what a guest raises.
GUEST_DELEGABLE = codes(*range(9), 12, 13, 15)
DELEGABLE = GUEST_DELEGABLE | codes(ECALL_S)
GUEST_EXCEPTIONS = codes(ECALL_VS, 20, 21, 22, 23)
SUPERVISOR_INTERRUPTS = codes(SSI, STI, SEI)
GUEST_INTERRUPTS = codes(VSSI, VSTI, VSEI)  # one bit further left: a guest sees them as S-mode's
ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | codes(MSI, MTI, MEI)


def cause_name(cause: int) -> str:
    """Return the standard name of an mcause or scause value (64 bits, signed or unsigned)."""
    code = cause & (1 << 63) - 1
    if cause >> 63 & 1:
        return INTERRUPTS.get(code, f"Reserved interrupt {code}")
    return EXCEPTIONS.get(code, f"Reserved exception {code}")
