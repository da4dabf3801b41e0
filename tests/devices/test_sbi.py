"""The SBI's answers, each against the specification's tables (2.0)."""

import pytest

from minihv.devices import sbi
from minihv.devices.sbi import (
    BASE,
    DBCN,
    ERR_ALREADY_AVAILABLE,
    ERR_INVALID_ADDRESS,
    ERR_INVALID_PARAM,
    ERR_NOT_SUPPORTED,
    HSM,
    IPI,
    RFENCE,
    SRST,
    SSI,
    TIME,
)

from .fakes import RAM, FakeHost

ALL = (1 << 64) - 1
UNTOUCHED = 0x5A5A


def signed(value):
    return value - (1 << 64) if value >> 63 else value


class Caller:
    """Hart 0 of a host, making ECALLs; every register that must survive is checked."""

    def __init__(self, harts=2):
        self.host = FakeHost(harts)
        self.hart = self.host.harts[0]
        self.sbi = sbi.Sbi(self.host)

    def call(self, eid, fid, *args):
        x = self.hart.x
        x[10:16] = [signed(a) for a in (*args, *[0] * (6 - len(args)))]
        x[16], x[17] = fid, eid
        x[5] = UNTOUCHED
        kept = list(x)
        self.name = self.sbi.call(self.hart)
        assert x[:10] == kept[:10] and x[12:] == kept[12:], "only a0 and a1 may change"
        return x[10], x[11]

    def legacy(self, eid, *args):
        """A legacy call leaves a1 alone."""
        before = args[1] if len(args) > 1 else 0
        result, a1 = self.call(eid, 99, *args)
        assert a1 == signed(before)
        return result


@pytest.fixture
def caller():
    return Caller()


def test_numbers_are_the_specifications():
    assert (BASE, TIME, IPI, RFENCE) == (0x10, 0x54494D45, 0x735049, 0x52464E43)
    assert (HSM, SRST, DBCN) == (0x48534D, 0x53525354, 0x4442434E)
    assert (ERR_NOT_SUPPORTED, ERR_INVALID_PARAM) == (-2, -3)
    assert (ERR_INVALID_ADDRESS, ERR_ALREADY_AVAILABLE) == (-5, -6)
    states = ["started", "stopped", "start_pending", "stop_pending"]
    states += ["suspended", "suspend_pending", "resume_pending"]
    assert {name: number for number, name in enumerate(states)} == sbi.HART_STATES
    assert SSI == 1


# --- base ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fid, value", [(0, 0x02000000), (2, 1), (4, 0), (5, 0), (6, 0)])
def test_base(caller, fid, value):
    assert caller.call(BASE, fid) == (0, value)


def test_implementation_id_is_not_someone_elses(caller):
    error, value = caller.call(BASE, 1)
    assert error == 0 and value > 0xFF


@pytest.mark.parametrize("eid", [BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, *range(9)])
def test_probe_finds_what_is_there(caller, eid):
    assert caller.call(BASE, 3, eid) == (0, 1)


@pytest.mark.parametrize("eid", [9, 0xF, 0x11, 0x504D55, 0x53555350, 0x0A000000, ALL])
def test_probe_finds_nothing_else(caller, eid):
    assert caller.call(BASE, 3, eid) == (0, 0)


@pytest.mark.parametrize(
    "eid, fid",
    [
        (BASE, 7), (TIME, 1), (IPI, 1), (RFENCE, 3), (RFENCE, 6), (RFENCE, 7), (HSM, 4),
        (SRST, 1), (DBCN, 3), (9, 0), (0x504D55, 0), (-1, 0), (BASE, -1), (1 << 32 | BASE, 0),
    ],
)
def test_unknown_functions(caller, eid, fid):
    assert caller.call(eid, fid) == (ERR_NOT_SUPPORTED, 0)
    assert caller.name == "unknown"


def test_names_for_counting(caller):
    caller.call(BASE, 0)
    assert caller.name == "get_spec_version"
    caller.call(1, 0, 65)
    assert caller.name == "legacy_console_putchar"


# --- timer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("deadline", [0, 12345, 1 << 63, ALL])
def test_set_timer(caller, deadline):
    assert caller.call(TIME, 0, deadline) == (0, 0)
    assert caller.hart.calls == [("set_sbi_timer", deadline)]
    assert caller.legacy(0, deadline) == 0
    assert caller.hart.calls == [("set_sbi_timer", deadline)] * 2


# --- hart masks ----------------------------------------------------------------------------


def started(n):
    caller = Caller(n)
    for hart in caller.host.harts:
        hart.status = "started"
    return caller


MASKS = [
    # mask, base, harts reached of three (None: invalid)
    (0b001, 0, {0}),
    (0b110, 0, {1, 2}),
    (0b11, 1, {1, 2}),
    (0b1, 2, {2}),
    (0, 0, set()),
    (0, ALL, {0, 1, 2}),
    (0b10000, ALL, {0, 1, 2}),
    (0b1000, 0, None),
    (0b10, 2, None),
    (1, 3, None),
    (0, 3, None),
    (1 << 63, 0, None),
    (1, ALL - 1, None),
]


@pytest.mark.parametrize("mask, base, reached", MASKS)
def test_send_ipi(mask, base, reached):
    caller = started(3)
    answer = caller.call(IPI, 0, mask, base)
    assert answer == ((0, 0) if reached is not None else (ERR_INVALID_PARAM, 0))
    assert {h.id for h in caller.host.harts if h.pending(SSI)} == (reached or set())


@pytest.mark.parametrize("mask, base, reached", MASKS)
@pytest.mark.parametrize("fid", [0, 1, 2])
def test_remote_fences(mask, base, reached, fid):
    """A fence on some harts is one on all of memory; fence.i needs none."""
    caller = started(3)
    answer = caller.call(RFENCE, fid, mask, base, 0x1000, 0x1000, 5)
    assert answer == ((0, 0) if reached is not None else (ERR_INVALID_PARAM, 0))
    assert caller.host.memory.fences == (1 if reached and fid else 0)


@pytest.mark.parametrize("start, size", [(0, 0), (0, ALL), (0x1000, ALL), (ALL - 0xFFF, 0x1000)])
def test_fence_ranges_that_are_valid(caller, start, size):
    assert caller.call(RFENCE, 1, 1, 0, start, size) == (0, 0)


@pytest.mark.parametrize("start, size", [(ALL, 2), (ALL - 0xFFF, 0x1001), (3, ALL - 1)])
@pytest.mark.parametrize("fid", [1, 2])
def test_fence_ranges_that_wrap(caller, fid, start, size):
    assert caller.call(RFENCE, fid, 1, 0, start, size) == (ERR_INVALID_ADDRESS, 0)
    assert caller.host.memory.fences == 0


def test_stopped_harts_are_valid_but_left_alone(caller):
    assert caller.call(IPI, 0, 0b11, 0) == (0, 0)
    assert not caller.host.harts[1].pending(SSI)


# --- harts ---------------------------------------------------------------------------------


def test_hart_start(caller):
    assert caller.call(HSM, 0, 1, RAM + 0x200, 1 << 63) == (0, 0)
    target = caller.host.harts[1]
    assert (target.status, target.pc, target.x[10]) == ("started", RAM + 0x200, 1)
    assert target.x[11] == -(1 << 63), "opaque arrives as the signed register value"
    assert caller.call(HSM, 0, 1, RAM, 0) == (ERR_ALREADY_AVAILABLE, 0)


@pytest.mark.parametrize(
    "hart, address, error",
    [
        (2, RAM, ERR_INVALID_PARAM),
        (ALL, RAM, ERR_INVALID_PARAM),
        (0, RAM, ERR_ALREADY_AVAILABLE),
        (0, 0, ERR_ALREADY_AVAILABLE),
        (1, 0, ERR_INVALID_ADDRESS),
        (1, RAM + 1, ERR_INVALID_ADDRESS),
        (1, RAM + 0x10000, ERR_INVALID_ADDRESS),
        (1, RAM + 0xFFFF, ERR_INVALID_ADDRESS),
        (1, ALL - 1, ERR_INVALID_ADDRESS),
    ],
)
def test_hart_start_errors(caller, hart, address, error):
    assert caller.call(HSM, 0, hart, address, 0) == (error, 0)
    assert caller.host.harts[1].status == "stopped"


def test_hart_stop(caller):
    before = caller.call(HSM, 1, 77)
    assert caller.hart.status == "stopped" and before == (77, 0), "it does not return"


@pytest.mark.parametrize("status, value", sbi.HART_STATES.items())
def test_hart_status(caller, status, value):
    caller.host.harts[1].status = status
    assert caller.call(HSM, 2, 1) == (0, value)


@pytest.mark.parametrize("hart", [2, 64, ALL])
def test_hart_status_of_no_hart(caller, hart):
    assert caller.call(HSM, 2, hart) == (ERR_INVALID_PARAM, 0)


def test_retentive_suspend_returns_success(caller):
    caller.hart.pc = 0x1234
    assert caller.call(HSM, 3, 0, 1, 2) == (0, 0)
    assert caller.hart.status == "suspended" and caller.hart.pc == 0x1234


@pytest.mark.parametrize("kind", [0x80000000, 0xFFFFFFFF80000000])
def test_non_retentive_suspend_resumes_elsewhere(caller, kind):
    caller.call(HSM, 3, kind, RAM + 0x40, 99)
    hart = caller.hart
    assert hart.status == "suspended"
    assert (hart.pc, hart.x[10], hart.x[11]) == (RAM + 0x40, 0, 99)


@pytest.mark.parametrize("kind", [1, 0x0FFFFFFF, 0x10000000, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF])
def test_suspend_types_that_are_reserved_or_not_ours(caller, kind):
    assert caller.call(HSM, 3, kind, RAM, 0) == (ERR_INVALID_PARAM, 0)
    assert caller.hart.status == "started"


@pytest.mark.parametrize("address", [0, RAM + 1, RAM + 0x10000])
def test_resume_address_must_be_executable(caller, address):
    assert caller.call(HSM, 3, 0x80000000, address, 0) == (ERR_INVALID_ADDRESS, 0)
    assert caller.hart.status == "started"


# --- reset ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, reason, end",
    [(0, 0, (0, "exit")), (0, 1, (1, "exit")), (1, 0, (0, "reset")), (2, 1, (1, "reset"))],
)
def test_system_reset(caller, kind, reason, end):
    assert caller.call(SRST, 0, kind, reason) == (kind, reason), "it does not return"
    assert caller.host.ended == [end]


@pytest.mark.parametrize(
    "kind, reason",
    [(3, 0), (0xF0000000, 0), (ALL, 0), (1 << 32, 0), (0, 2), (0, 0xE0000000), (0, 1 << 32)],
)
def test_system_reset_errors(caller, kind, reason):
    assert caller.call(SRST, 0, kind, reason) == (ERR_INVALID_PARAM, 0)
    assert caller.host.ended == []


def test_legacy_shutdown(caller):
    caller.legacy(8)
    assert caller.host.ended == [(0, "exit")]


# --- console -------------------------------------------------------------------------------


def test_debug_console_write(caller):
    caller.host.memory.write(RAM + 8, b"hello")
    assert caller.call(DBCN, 0, 5, RAM + 8, 0) == (0, 5)
    assert caller.host.console.output == b"hello"
    assert caller.call(DBCN, 0, 0, 0, 0) == (0, 0)


def test_debug_console_write_may_be_partial(caller):
    caller.host.memory.data = bytearray(b"x" * (sbi.MAX_TRANSFER + 9))
    n = sbi.MAX_TRANSFER + 9
    assert caller.call(DBCN, 0, n, RAM, 0) == (0, sbi.MAX_TRANSFER)
    assert len(caller.host.console.output) == sbi.MAX_TRANSFER


BAD_RANGES = [
    (1, 0, 0), (2, RAM + 0xFFFF, 0), (0x10001, RAM, 0), (1, RAM, 1), (ALL, RAM, 0), (2, ALL, 0),
    (4, RAM - 2, 0),
]  # fmt: skip


@pytest.mark.parametrize("n, low, high", BAD_RANGES)
@pytest.mark.parametrize("fid", [0, 1])
def test_debug_console_ranges(caller, fid, n, low, high):
    caller.host.console.feed(b"kept")
    assert caller.call(DBCN, fid, n, low, high) == (ERR_INVALID_PARAM, 0)
    assert caller.host.console.output == b"" and caller.host.console.queued() == 4


def test_debug_console_read(caller):
    assert caller.call(DBCN, 1, 8, RAM, 0) == (0, 0)
    caller.host.console.feed(b"abc")
    assert caller.call(DBCN, 1, 2, RAM, 0) == (0, 2)
    assert caller.call(DBCN, 1, 8, RAM + 2, 0) == (0, 1)
    assert caller.host.memory.read(RAM, 4) == b"abc\0"


def test_debug_console_write_byte(caller):
    assert caller.call(DBCN, 2, 0xFFFFFF41) == (0, 0)
    assert caller.host.console.output == b"A"


def test_legacy_console(caller):
    assert caller.legacy(1, ord("x")) == 0
    assert caller.host.console.output == b"x"
    assert caller.legacy(2) == -1
    caller.host.console.feed(b"\xfe\x01")
    assert caller.legacy(2) == 0xFE and caller.host.console.queued() == 1
    assert caller.legacy(2) == 1
    assert caller.legacy(2) == -1


# --- legacy harts --------------------------------------------------------------------------


def test_legacy_clear_ipi(caller):
    assert caller.legacy(3) == 0
    caller.hart.set_pending(SSI, True)
    assert caller.legacy(3) == 1
    assert not caller.hart.pending(SSI)


def test_legacy_mask_is_read_from_virtual_memory():
    caller = started(66)
    gva = 0xFFFFFFC000001000
    caller.host.virtual = {gva: 0b101, gva + 8: 0b10}
    assert caller.legacy(4, gva) == 0
    assert {h.id for h in caller.host.harts if h.pending(SSI)} == {0, 2, 65}


@pytest.mark.parametrize("eid, fences", [(5, 0), (6, 1), (7, 1)])
def test_legacy_fences(eid, fences):
    caller = started(2)
    caller.host.virtual = {0x1000: 0b10}
    assert caller.legacy(eid, 0x1000, 0, 0) == 0
    assert caller.host.memory.fences == fences
    assert caller.legacy(eid, 0, 0, 0) == 0, "a null pointer means every hart"
    assert caller.host.memory.fences == 2 * fences


def test_legacy_fault_is_the_supervisors(caller):
    assert caller.legacy(4, 0x6000) == 0x6000, "a0 as it was: the host has redirected the fault"
    assert not caller.hart.pending(SSI)
