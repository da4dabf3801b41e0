"""The SBI: firmware services for a supervisor (RISC-V SBI specification 2.0).

A supervisor asks with ECALL: extension in a7, function in a6, arguments in a0..a5; the answer is
an error in a0 and a value in a1 (chapter 3). Here the host is the firmware. Each service is a
short function in a table; it acts on the board and on the hart that called.

The caller moves the pc past the ECALL *before* `call`, because start and suspend set it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minihv.devices.board import Board
from minihv.hw.bits import MASK64, i64
from minihv.hw.bus import AccessFault
from minihv.hw.causes import SSI
from minihv.hw.hart import STOPPED, Hart

Args = Sequence[int]  # a0..a5, unsigned
Answer = tuple[int, int] | None  # (error, value); None: the call does not return
ToHarts = Callable[[Board, int], None]  # what a call does to the harts of a mask

SUCCESS = 0
ERR_NOT_SUPPORTED, ERR_INVALID_PARAM, ERR_INVALID_ADDRESS, ERR_ALREADY_AVAILABLE = -2, -3, -5, -6

BASE, TIME, IPI = 0x10, 0x54494D45, 0x735049
RFENCE, HSM, SRST, DBCN = 0x52464E43, 0x48534D, 0x53525354, 0x4442434E

SPEC_VERSION = 2 << 24  # 2.0
IMPLEMENTATION_ID = 0x6D68  # "mh"; the list of registered ids ends far below
IMPLEMENTATION_VERSION = 1

HART_STATES = {
    "started": 0, "stopped": 1, "start_pending": 2, "stop_pending": 3,
    "suspended": 4, "suspend_pending": 5, "resume_pending": 6,
}  # fmt: skip
SUSPEND_RETENTIVE, SUSPEND_NON_RETENTIVE = 0, 0x80000000
SHUTDOWN, COLD_REBOOT, WARM_REBOOT = 0, 1, 2
NO_REASON, SYSTEM_FAILURE = 0, 1

MAX_TRANSFER = 1 << 16  # bytes that one console call moves; the specification allows "partial"


class Sbi:
    """SBI 2.0 over a board. It keeps no state: timers and statuses belong to the harts."""

    def __init__(self, host: Board):
        self._host = host

    def call(self, hart: Hart) -> str:
        """Serve the ECALL that `hart` has just made; return the function's name, to be counted."""
        s = hart.s
        args = [value & MASK64 for value in s[10:16]]
        legacy = _LEGACY.get(s[17])
        if legacy is not None:
            result = legacy(self._host, hart, args)
            if result is not None:
                hart.x[10] = result  # a1 is left alone (chapter 5)
            return legacy.__name__
        function = _FUNCTIONS.get((s[17], s[16]), _unknown)
        answer = function(self._host, hart, args)
        if answer is not None:
            s[10], s[11] = answer
        return function.__name__.lstrip("_")


def _unknown(host: Board, hart: Hart, a: Args) -> Answer:
    return ERR_NOT_SUPPORTED, 0


# --- base extension (chapter 4) ----------------------------------------------------------


def probe_extension(host: Board, hart: Hart, a: Args) -> Answer:
    known = a[0] in _LEGACY or any(a[0] == eid for eid, _ in _FUNCTIONS)
    return SUCCESS, int(known)


def _constant(name: str, value: int) -> Callable[[Board, Hart, Args], Answer]:
    def get(host: Board, hart: Hart, a: Args) -> Answer:
        return SUCCESS, value

    get.__name__ = name
    return get


# --- timer, inter-processor interrupts, remote fences (chapters 6, 7, 8) -----------------


def set_timer(host: Board, hart: Hart, a: Args) -> Answer:
    hart.set_sbi_timer(a[0])
    return SUCCESS, 0


def _tell(host: Board, a: Args, action: ToHarts) -> Answer:
    """Act on the harts of a hart mask (section 3.1), unless it names one that does not exist."""
    n = len(host.harts)
    mask, base = ((1 << n) - 1, 0) if a[1] == MASK64 else (a[0], a[1])
    if base >= n or mask >> n - base:
        return ERR_INVALID_PARAM, 0
    action(host, mask << base)
    return SUCCESS, 0


def interrupt(host: Board, mask: int) -> None:
    """Raise SSIP on these harts."""
    for i, hart in enumerate(host.harts):
        if mask >> i & 1 and hart.status != STOPPED:  # which would run nothing that could notice
            hart.set_pending(SSI, True)


def fence(host: Board, mask: int) -> None:
    """Fence on these harts: at once on all, which costs no more than on one."""
    if mask:
        host.memory.fence()


def fence_i(host: Board, mask: int) -> None:
    """Nothing: stores drop decoded instructions at once, on all harts."""


def send_ipi(host: Board, hart: Hart, a: Args) -> Answer:
    return _tell(host, a, interrupt)


def remote_fence_i(host: Board, hart: Hart, a: Args) -> Answer:
    return _tell(host, a, fence_i)


def remote_sfence_vma(host: Board, hart: Hart, a: Args) -> Answer:
    """A full fence covers every range and every ASID, so both are only checked."""
    start, size = a[2], a[3]
    if size != MASK64 and start + size > 1 << 64:
        return ERR_INVALID_ADDRESS, 0
    return _tell(host, a, fence)


# --- hart state management (chapter 9) ---------------------------------------------------


def _executable(host: Board, address: int) -> bool:
    return address & 1 == 0 and _in_memory(host, address, 2)


def hart_start(host: Board, hart: Hart, a: Args) -> Answer:
    if a[0] >= len(host.harts):
        return ERR_INVALID_PARAM, 0
    target = host.harts[a[0]]
    if target.status != STOPPED:
        return ERR_ALREADY_AVAILABLE, 0
    if not _executable(host, a[1]):
        return ERR_INVALID_ADDRESS, 0
    target.start(a[1], i64(a[2]))
    return SUCCESS, 0


def hart_stop(host: Board, hart: Hart, a: Args) -> Answer:
    hart.stop()
    return None


def hart_get_status(host: Board, hart: Hart, a: Args) -> Answer:
    if a[0] >= len(host.harts):
        return ERR_INVALID_PARAM, 0
    return SUCCESS, HART_STATES[host.harts[a[0]].status]


def hart_suspend(host: Board, hart: Hart, a: Args) -> Answer:
    kind = a[0] & 0xFFFFFFFF  # the parameter is 32 bits wide
    if kind not in (SUSPEND_RETENTIVE, SUSPEND_NON_RETENTIVE):
        return ERR_INVALID_PARAM, 0
    if kind == SUSPEND_RETENTIVE:
        hart.suspend()
        return SUCCESS, 0
    if not _executable(host, a[1]):
        return ERR_INVALID_ADDRESS, 0
    # What the hart finds when it wakes is laid out now; it sleeps on top of it.
    hart.start(a[1], i64(a[2]))
    hart.suspend()
    return None


# --- system reset (chapter 10) -----------------------------------------------------------


def system_reset(host: Board, hart: Hart, a: Args) -> Answer:
    kind, reason = a[0], a[1]
    if kind not in (SHUTDOWN, COLD_REBOOT, WARM_REBOOT):
        return ERR_INVALID_PARAM, 0
    if reason not in (NO_REASON, SYSTEM_FAILURE):
        return ERR_INVALID_PARAM, 0
    host.shutdown(int(reason == SYSTEM_FAILURE), "exit" if kind == SHUTDOWN else "reset")
    return None


# --- debug console (chapter 12) ----------------------------------------------------------


def _in_memory(host: Board, base: int, n: int) -> bool:
    """Say whether gpas [base, base + n) are RAM: both ends are, and RAM has no holes."""
    try:
        if n:
            host.memory.read(base, 1)
            host.memory.read(base + n - 1, 1)
    except AccessFault:
        return False
    return True


def debug_console_write(host: Board, hart: Hart, a: Args) -> Answer:
    n, base, high = a[0], a[1], a[2]
    if high or not _in_memory(host, base, n):
        return ERR_INVALID_PARAM, 0
    n = min(n, MAX_TRANSFER)
    if n:
        host.console.write(host.memory.read(base, n))
    return SUCCESS, n


def debug_console_read(host: Board, hart: Hart, a: Args) -> Answer:
    n, base, high = a[0], a[1], a[2]
    if high or not _in_memory(host, base, n):
        return ERR_INVALID_PARAM, 0
    data = host.console.read(min(n, MAX_TRANSFER))
    if data:
        host.memory.write(base, data)
    return SUCCESS, len(data)


def debug_console_write_byte(host: Board, hart: Hart, a: Args) -> Answer:
    host.console.write(bytes([a[0] & 0xFF]))
    return SUCCESS, 0


# --- legacy extensions (chapter 5): a result in a0 only ----------------------------------


def legacy_set_timer(host: Board, hart: Hart, a: Args) -> int | None:
    hart.set_sbi_timer(a[0])
    return SUCCESS


def legacy_console_putchar(host: Board, hart: Hart, a: Args) -> int | None:
    host.console.write(bytes([a[0] & 0xFF]))
    return SUCCESS


def legacy_console_getchar(host: Board, hart: Hart, a: Args) -> int | None:
    byte = host.console.read(1)
    return byte[0] if byte else -1


def legacy_clear_ipi(host: Board, hart: Hart, a: Args) -> int | None:
    pending = hart.pending(SSI)
    hart.set_pending(SSI, False)
    return int(pending)


def _legacy_tell(host: Board, hart: Hart, gva: int, action: ToHarts) -> int | None:
    """Act on the harts of a bit vector at a virtual address; a null pointer means all of them."""
    mask = 0 if gva else -1
    for first in range(0, len(host.harts) if gva else 0, 64):
        word = host.load_virtual(hart, (gva + first // 8) & MASK64)
        if word is None:
            return None
        mask |= word << first
    action(host, mask)
    return SUCCESS


def legacy_send_ipi(host: Board, hart: Hart, a: Args) -> int | None:
    return _legacy_tell(host, hart, a[0], interrupt)


def legacy_remote_fence_i(host: Board, hart: Hart, a: Args) -> int | None:
    return _legacy_tell(host, hart, a[0], fence_i)


def legacy_remote_sfence_vma(host: Board, hart: Hart, a: Args) -> int | None:
    return _legacy_tell(host, hart, a[0], fence)


def legacy_shutdown(host: Board, hart: Hart, a: Args) -> int | None:
    host.shutdown(0, "exit")
    return None


_FUNCTIONS: dict[tuple[int, int], Callable[[Board, Hart, Args], Answer]] = {
    (BASE, 0): _constant("get_spec_version", SPEC_VERSION),
    (BASE, 1): _constant("get_impl_id", IMPLEMENTATION_ID),
    (BASE, 2): _constant("get_impl_version", IMPLEMENTATION_VERSION),
    (BASE, 3): probe_extension,
    # mvendorid, marchid, mimpid: 0 is always legal.
    **{(BASE, number): _constant("get_machine_id", 0) for number in (4, 5, 6)},
    (TIME, 0): set_timer,
    (IPI, 0): send_ipi,
    (RFENCE, 0): remote_fence_i,
    (RFENCE, 1): remote_sfence_vma,
    (RFENCE, 2): remote_sfence_vma,
    # RFENCE 3..6 fence a guest's translations: they come with the hypervisor extension.
    (HSM, 0): hart_start,
    (HSM, 1): hart_stop,
    (HSM, 2): hart_get_status,
    (HSM, 3): hart_suspend,
    (SRST, 0): system_reset,
    (DBCN, 0): debug_console_write,
    (DBCN, 1): debug_console_read,
    (DBCN, 2): debug_console_write_byte,
}

_LEGACY: dict[int, Callable[[Board, Hart, Args], int | None]] = {
    0: legacy_set_timer,
    1: legacy_console_putchar,
    2: legacy_console_getchar,
    3: legacy_clear_ipi,
    4: legacy_send_ipi,
    5: legacy_remote_fence_i,
    6: legacy_remote_sfence_vma,
    7: legacy_remote_sfence_vma,
    8: legacy_shutdown,
}
