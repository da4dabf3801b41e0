"""The SBI: firmware services for a supervisor (RISC-V SBI specification 2.0).

A supervisor asks with ECALL: extension in a7, function in a6, arguments in a0..a5; the answer is
an error in a0 and a value in a1 (chapter 3). Here the host is the firmware. Each service is a
short function in a table; what it acts on is an `SbiHost`, so the same table serves the machine
(its harts, its console) and a hypervisor (its virtual CPUs).

The caller moves the pc past the ECALL *before* `call`, because start and suspend set it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from minihv.devices.sbihost import Answer, Args, SbiHart, SbiHost
from minihv.hw.bus import AccessFault

SUCCESS = 0
ERR_FAILED, ERR_NOT_SUPPORTED, ERR_INVALID_PARAM, ERR_DENIED = -1, -2, -3, -4
ERR_INVALID_ADDRESS, ERR_ALREADY_AVAILABLE = -5, -6
ERR_ALREADY_STARTED, ERR_ALREADY_STOPPED, ERR_NO_SHMEM = -7, -8, -9

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

SSIP = 1  # bit in mip
MASK64 = (1 << 64) - 1
MAX_TRANSFER = 1 << 16  # bytes that one console call moves; the specification allows "partial"


class Sbi:
    """SBI 2.0 over a host. It keeps no state: timers and statuses belong to the harts."""

    def __init__(self, host: SbiHost):
        self._host = host

    def call(self, hart: SbiHart) -> str:
        """Serve the ECALL that `hart` has just made; returns the function's name for counting."""
        args = [hart.x[i] & MASK64 for i in range(10, 16)]
        legacy = _LEGACY.get(hart.x[17])
        if legacy is not None:
            result = legacy(self._host, hart, args)
            if result is not None:
                hart.x[10] = result  # a1 is left alone (chapter 5)
            return legacy.__name__
        function = _FUNCTIONS.get((hart.x[17], hart.x[16]), _unknown)
        answer = function(self._host, hart, args)
        if answer is not None:
            hart.x[10], hart.x[11] = answer
        return function.__name__.lstrip("_")


def _unknown(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    return ERR_NOT_SUPPORTED, 0


def _signed(value: int) -> int:
    """An unsigned 64-bit register as the signed value that `x` holds."""
    return value - (1 << 64) if value >> 63 else value


# --- base extension (chapter 4) ----------------------------------------------------------


def probe_extension(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    known = a[0] in _LEGACY or any(a[0] == eid for eid, _ in _FUNCTIONS)
    return SUCCESS, int(known)


def get_spec_version(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    return SUCCESS, SPEC_VERSION


def get_impl_id(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    return SUCCESS, IMPLEMENTATION_ID


def get_impl_version(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    return SUCCESS, IMPLEMENTATION_VERSION


def get_machine_id(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    """mvendorid, marchid, mimpid: 0 is always a legal value."""
    return SUCCESS, 0


# --- timer, inter-processor interrupts, remote fences (chapters 6, 7, 8) -----------------


def set_timer(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    hart.set_sbi_timer(a[0])
    return SUCCESS, 0


def _targets(host: SbiHost, mask: int, base: int) -> list[SbiHart] | None:
    """The harts of a hart mask (section 3.1), None if it names one that does not exist."""
    if base == MASK64:
        return list(host.harts)
    if base >= len(host.harts) or mask >> len(host.harts) - base:
        return None
    return [h for i, h in enumerate(host.harts[base:]) if mask >> i & 1]


def _for_each(host: SbiHost, a: Args, action: Callable[[SbiHart], None]) -> Answer:
    targets = _targets(host, a[0], a[1])
    if targets is None:
        return ERR_INVALID_PARAM, 0
    _act(targets, action)
    return SUCCESS, 0


def _act(targets: Iterable[SbiHart], action: Callable[[SbiHart], None]) -> None:
    for target in targets:
        if target.status != "stopped":  # a stopped hart runs nothing that could notice
            action(target)


def send_ipi(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    return _for_each(host, a, _raise_ssip)


def _raise_ssip(hart: SbiHart) -> None:
    hart.set_pending(SSIP, True)


def remote_fence_i(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    return _for_each(host, a, lambda h: h.fence_i())


def remote_sfence_vma(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    """A full fence covers every range and every ASID, so both are only checked."""
    start, size = a[2], a[3]
    if size != MASK64 and start + size > 1 << 64:
        return ERR_INVALID_ADDRESS, 0
    return _for_each(host, a, lambda h: h.sfence())


# --- hart state management (chapter 9) ---------------------------------------------------


def _executable(host: SbiHost, address: int) -> bool:
    return address & 1 == 0 and _in_memory(host, address, 2)


def hart_start(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    if a[0] >= len(host.harts):
        return ERR_INVALID_PARAM, 0
    target = host.harts[a[0]]
    if target.status != "stopped":
        return ERR_ALREADY_AVAILABLE, 0
    if not _executable(host, a[1]):
        return ERR_INVALID_ADDRESS, 0
    target.start(a[1], _signed(a[2]))
    return SUCCESS, 0


def hart_stop(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    hart.stop()
    return None


def hart_get_status(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    if a[0] >= len(host.harts):
        return ERR_INVALID_PARAM, 0
    return SUCCESS, HART_STATES[host.harts[a[0]].status]


def hart_suspend(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    kind = a[0] & 0xFFFFFFFF  # the parameter is 32 bits wide
    if kind not in (SUSPEND_RETENTIVE, SUSPEND_NON_RETENTIVE):
        return ERR_INVALID_PARAM, 0
    if kind == SUSPEND_RETENTIVE:
        hart.suspend()
        return SUCCESS, 0
    if not _executable(host, a[1]):
        return ERR_INVALID_ADDRESS, 0
    # What the hart finds when it wakes is laid out now; it sleeps on top of it.
    hart.start(a[1], _signed(a[2]))
    hart.suspend()
    return None


# --- system reset (chapter 10) -----------------------------------------------------------


def system_reset(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    kind, reason = a[0], a[1]
    if kind not in (SHUTDOWN, COLD_REBOOT, WARM_REBOOT):
        return ERR_INVALID_PARAM, 0
    if reason not in (NO_REASON, SYSTEM_FAILURE):
        return ERR_INVALID_PARAM, 0
    host.shutdown(int(reason == SYSTEM_FAILURE), "exit" if kind == SHUTDOWN else "reset")
    return None


# --- debug console (chapter 12) ----------------------------------------------------------


def _in_memory(host: SbiHost, base: int, n: int) -> bool:
    """Whether guest physical [base, base + n) is RAM: both ends are, and RAM has no holes."""
    try:
        if n:
            host.memory.read(base, 1)
            host.memory.read(base + n - 1, 1)
    except AccessFault:
        return False
    return True


def debug_console_write(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    n, base, high = a[0], a[1], a[2]
    if high or not _in_memory(host, base, n):
        return ERR_INVALID_PARAM, 0
    n = min(n, MAX_TRANSFER)
    if n:
        host.console.write(host.memory.read(base, n))
    return SUCCESS, n


def debug_console_read(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    n, base, high = a[0], a[1], a[2]
    if high or not _in_memory(host, base, n):
        return ERR_INVALID_PARAM, 0
    data = host.console.read(min(n, MAX_TRANSFER))
    if data:
        host.memory.write(base, data)
    return SUCCESS, len(data)


def debug_console_write_byte(host: SbiHost, hart: SbiHart, a: Args) -> Answer:
    host.console.write(bytes([a[0] & 0xFF]))
    return SUCCESS, 0


# --- legacy extensions (chapter 5): a result in a0 only ----------------------------------


def legacy_set_timer(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    hart.set_sbi_timer(a[0])
    return SUCCESS


def legacy_console_putchar(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    host.console.write(bytes([a[0] & 0xFF]))
    return SUCCESS


def legacy_console_getchar(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    byte = host.console.read(1)
    return byte[0] if byte else -1


def legacy_clear_ipi(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    pending = hart.pending(SSIP)
    hart.set_pending(SSIP, False)
    return int(pending)


def _legacy_for_each(
    host: SbiHost, hart: SbiHart, gva: int, action: Callable[[SbiHart], None]
) -> int | None:
    """Act on the harts of a bit vector at a virtual address; a null pointer means all of them."""
    mask = 0 if gva else -1
    for first in range(0, len(host.harts) if gva else 0, 64):
        word = host.load_virtual(hart, (gva + first // 8) & MASK64)
        if word is None:
            return None
        mask |= word << first
    _act((h for i, h in enumerate(host.harts) if mask >> i & 1), action)
    return SUCCESS


def legacy_send_ipi(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    return _legacy_for_each(host, hart, a[0], _raise_ssip)


def legacy_remote_fence_i(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    return _legacy_for_each(host, hart, a[0], lambda h: h.fence_i())


def legacy_remote_sfence_vma(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    return _legacy_for_each(host, hart, a[0], lambda h: h.sfence())


def legacy_shutdown(host: SbiHost, hart: SbiHart, a: Args) -> int | None:
    host.shutdown(0, "exit")
    return None


_FUNCTIONS: dict[tuple[int, int], Callable[[SbiHost, SbiHart, Args], Answer]] = {
    (BASE, 0): get_spec_version,
    (BASE, 1): get_impl_id,
    (BASE, 2): get_impl_version,
    (BASE, 3): probe_extension,
    (BASE, 4): get_machine_id,
    (BASE, 5): get_machine_id,
    (BASE, 6): get_machine_id,
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

_LEGACY: dict[int, Callable[[SbiHost, SbiHart, Args], int | None]] = {
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
