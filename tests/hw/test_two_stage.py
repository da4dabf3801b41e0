"""Two-stage translation against an independent model: random tables, accesses and CSR states."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from minihv.hw import state as st
from minihv.hw.bits import MASK64
from tests.hw.lab import CODE, RAM, SIZE, Lab, both_engines
from tests.hw.two_stage_model import CAUSES, Regime, Stop, translate
from tests.tiers import count

# Where things lie, as offsets into RAM; guest-physical address g is offset g where it is mapped.
GUEST_TABLES, HOST_ROOT, HOST_MIDDLE, HOST_LEAF, PAGES = 0x20000, 0x24000, 0x28000, 0x29000, 0x30000
POINTER, FULL = 0x01, 0xDF  # V; V R W X U A D
GVA = 0x40201000 | 0x128  # VPN 1, 1, 1
HIGH = 0xFFFFFFFFFFE00000 | 0x128  # VPN 511, 511, 0
ODD = 1 << 39 | 0x128
NOP = 0x00000013_00000013
INSTRUCTION = {"read": "hlv.d a1, (a0)", "write": "hsv.d a1, (a0)", "hlvx": "hlvx.wu a1, (a0)"}
VIA_MPRV = {"read": "ld a1, (a0)", "write": "sd a1, (a0)"}
CODE_TEXT = CODE + 0x400

flips = some.lists(some.sampled_from([*range(8), 54, 61, 63, 10, 19, 39]), max_size=2)
pte_flags = some.tuples(some.sampled_from([FULL, FULL & ~0x10, 0x0B, 0x13, 0x19, 0x59]), flips)
pages = some.integers(0, 3)


@some.composite
def cases(draw):
    """One translation: tables, the access, and the state that it depends on."""
    return {
        "gva": draw(some.sampled_from([GVA, GVA, GVA, HIGH, ODD])),
        "access": draw(some.sampled_from(["read", "write", "fetch", "hlvx"])),
        "user": draw(some.booleans()),
        "mprv": draw(some.booleans()),
        "guest": draw(some.sampled_from([0, 8, 8, 8])),
        "host": draw(some.sampled_from([0, 8, 8, 8])),
        "guest_leaf": draw(some.sampled_from([0, 0, 0, 1, 2])),
        "host_leaf": draw(some.sampled_from([0, 0, 0, 1, 2])),
        "guest_pte": draw(pte_flags),
        "pointers": draw(some.lists(flips, min_size=4, max_size=4)),
        "page": draw(pages),
        "host_flags": draw(some.lists(flips, min_size=8, max_size=8)),
        "status": [draw(some.booleans()) for _ in range(3)],
    }


def flipped(value: int, bits: list[int]) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


def points_to(address: int, bits: list[int]) -> int:
    return flipped(address >> 12 << 10 | POINTER, bits)


def fields(va: int) -> list[int]:
    return [va >> 12 & 511, va >> 21 & 511, va >> 30 & 511]


def build(lab: Lab, case: dict) -> tuple[int, int]:
    """Write both tables; what vsatp and hgatp are."""
    lab.memory.write(RAM + GUEST_TABLES, bytes(PAGES - GUEST_TABLES))
    lab.memory.write(RAM + PAGES, NOP.to_bytes(8, "little") * (4 * 512))
    base = 0 if case["host"] else RAM  # what guest-physical addresses count from
    index = fields(case["gva"])
    flags, bits = case["guest_pte"]
    # The guest's path; a leaf above level 0 covers all of RAM, and then the gva is as it is.
    for level in (2, 1, 0):
        at = RAM + GUEST_TABLES + (2 - level) * 0x1000 + 8 * index[level]
        if level == case["guest_leaf"]:
            target = base + PAGES + case["page"] * 0x1000 if level == 0 else base
            lab.write(at, flipped(target >> 12 << 10 | flags, bits))
            break
        below = base + GUEST_TABLES + (3 - level) * 0x1000
        lab.write(at, points_to(below, case["pointers"][level - 1]))
    # The host's: guest-physical 0 is the start of RAM.
    for k in range(8):  # the guest's tables, then its pages
        offset = GUEST_TABLES + k * 0x1000 if k < 4 else PAGES + (k - 4) * 0x1000
        pte = flipped((RAM + offset) >> 12 << 10 | FULL, case["host_flags"][k])
        lab.write(RAM + HOST_LEAF + 8 * (offset >> 12), pte)
    top = flipped(RAM >> 12 << 10 | FULL, case["host_flags"][0])
    host_root = top if case["host_leaf"] == 2 else points_to(RAM + HOST_MIDDLE, case["pointers"][2])
    middle = top if case["host_leaf"] == 1 else points_to(RAM + HOST_LEAF, case["pointers"][3])
    lab.write(RAM + HOST_ROOT, host_root)
    lab.write(RAM + HOST_MIDDLE, middle)
    guest_root = (base + GUEST_TABLES) >> 12
    return (
        case["guest"] << 60 | guest_root if case["guest"] else 0,
        8 << 60 | (RAM + HOST_ROOT) >> 12 if case["host"] else 0,
    )


class Words(dict):
    """RAM as it was, as words by physical address; what is written is kept apart."""

    def __init__(self, lab: Lab):
        super().__init__()
        self.data = bytes(lab.memory.bytes)

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and 0 <= address - RAM < SIZE

    def __missing__(self, address: int) -> int:
        return int.from_bytes(self.data[address - RAM :][:8], "little")

    def result(self) -> bytes:
        """RAM as it should be now."""
        data = bytearray(self.data)
        for address, word in self.items():
            data[address - RAM : address - RAM + 8] = word.to_bytes(8, "little")
        return bytes(data)


def access(lab: Lab, case: dict, gva: int) -> tuple[int, int, int, int, bool, bool] | None:
    """Do it; cause, tval, tval2, tinst, GVA and MPV of the trap that it took, or None."""
    lab.hart.s[st.VIRT] = 0
    priv = 0 if case["user"] else 1
    if case["access"] == "fetch":
        lab.hart.s[st.VIRT] = 1
        lab.priv = priv
        trap = lab.jump(gva)
    else:
        lab.priv = 3
        mprv = case["mprv"] and case["access"] in VIA_MPRV
        hstatus = lab.csr["hstatus"] & ~st.SPVP
        lab.csr["hstatus"] = hstatus | (0 if case["user"] else st.SPVP)
        status = lab.csr["mstatus"] & ~(st.MPRV | st.MPV | 3 << st.MPP_SHIFT)
        lab.csr["mstatus"] = status | (st.MPRV | st.MPV | priv << st.MPP_SHIFT) * mprv
        text = (VIA_MPRV if mprv else INSTRUCTION)[case["access"]]
        trap = lab.do(text, at=CODE_TEXT, a0=gva, a1=NOP)
    status = lab.csr["mstatus"]
    lab.csr["mstatus"] = status & ~st.MPRV
    lab.hart.s[st.VIRT] = 0
    if trap is None:
        return None
    return (trap.cause, trap.tval, lab.csr["mtval2"], lab.csr["mtinst"],
            bool(status & st.GVA_BIT), bool(status & st.MPV))  # fmt: skip


def check(lab: Lab, case: dict, svade: bool = False) -> str:
    """The machine does as the model says, twice; how it ended."""
    vsatp, hgatp = build(lab, case)
    guest_sum, guest_mxr, mxr = case["status"]
    lab.csr["vsatp"], lab.csr["hgatp"] = vsatp, hgatp
    lab.csr["vsstatus"] = guest_sum << 18 | guest_mxr << 19
    lab.csr["mstatus"] = mxr << 19
    lab.priv = 3
    for fence in ("hfence.vvma", "hfence.gvma"):
        assert lab.do(fence, at=CODE_TEXT) is None
    offset = GVA & 0xFFF
    gva = case["gva"]
    if case["guest"] == 0 and gva == GVA:  # then it is guest-physical
        gva = (0 if case["host"] else RAM) + PAGES + case["page"] * 0x1000 + offset
    elif case["guest"] and case["guest_leaf"] and gva == GVA:
        size = 1 << 12 + 9 * case["guest_leaf"]
        gva = GVA & -size | PAGES + case["page"] * 0x1000 + offset
        case = case | {"gva": gva}
        lab.csr["vsatp"], lab.csr["hgatp"] = build(lab, case)
    regime = Regime(Words(lab), vsatp, hgatp, guest_sum, guest_mxr, mxr, svade)
    ended = "done"
    expected: tuple | None = None
    try:
        physical = translate(regime, gva & MASK64, case["access"], case["user"])
        if physical not in regime.words:
            raise Stop("access fault")
        if case["access"] == "write":
            regime.words[physical] = NOP
        elif case["access"] == "fetch" and regime.words[physical] != NOP:
            assert regime.words[physical] == 0  # not one of our pages: no instruction
            expected = (2, 0, 0, 0, False, True)
    except Stop as stop:
        ended = stop.kind
        cause = CAUSES[case["access"]][stop.kind]
        fetch = case["access"] == "fetch"
        expected = (cause, gva & MASK64, stop.gpa >> 2, stop.tinst, True, fetch)
    for _ in range(2):  # the second time with a TLB that may know
        assert access(lab, case, gva) == expected
    behind = GUEST_TABLES  # in front of them lies the code of the tests
    assert regime.words.result()[behind:] == bytes(lab.memory.bytes[behind:])
    return ended


GOOD = {
    "gva": GVA, "access": "read", "user": False, "mprv": True, "guest": 8, "host": 8,
    "guest_leaf": 0, "host_leaf": 0, "guest_pte": (FULL & ~0x10, []), "pointers": [[]] * 4,
    "page": 1, "host_flags": [[]] * 8, "status": [False] * 3,
}  # fmt: skip
UNMARKED = GOOD | {"guest_pte": (0x0F, []), "access": "write"}
LABS: dict[tuple, Lab] = {}


def lab_for(engine: str, svade: bool) -> Lab:
    key = engine, svade
    if key not in LABS:
        LABS[key] = Lab(engine, hypervisor=True, svade=svade)
    return LABS[key]


@both_engines
@pytest.mark.parametrize("svade", [False, True])
@settings(max_examples=count(20, 60, 5_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
@example(case=GOOD)
@example(case=UNMARKED)
@example(case=UNMARKED | {"host_flags": [[], [], [2], *[[]] * 5]})  # the PTE lies read-only: 0x3020
@example(case=GOOD | {"host_flags": [[0], *[[]] * 7]})  # the root is not there: 0x3000
@example(case=GOOD | {"access": "hlvx", "guest_pte": (0x49, [])})
@example(case=GOOD | {"gva": HIGH, "access": "fetch", "guest_leaf": 1, "host": 0})  # no code
def test_the_machine_does_as_the_model(engine, svade, case):
    check(lab_for(engine, svade), case, svade)


@both_engines
def test_every_outcome_occurs(engine):
    """So that the test above is not about one kind alone."""
    lab = lab_for(engine, False)
    ends = {
        check(lab, GOOD),
        check(lab, GOOD | {"guest_pte": (0, [])}),
        check(lab, GOOD | {"host_flags": [*[[]] * 5, [0], [], []]}),
        check(lab, GOOD | {"host_flags": [*[[]] * 5, [52], [], []]}),
    }
    assert ends == {"done", "page fault", "guest-page fault", "access fault"}


@both_engines
def test_how_the_edges_end(engine):
    """MXR of HS-mode makes what is executable readable in both stages; 41 bits are all of a gpa."""
    lab = lab_for(engine, False)
    executable = GOOD | {"guest_pte": (0x49, [])}
    assert check(lab, executable) == "page fault"
    assert check(lab, executable | {"status": [False, False, True]}) == "done"
    assert check(lab, executable | {"status": [False, True, False]}) == "done"
    assert check(lab, GOOD | {"guest_pte": (0xCF, [39])}) == "guest-page fault"
    assert check(lab, GOOD | {"guest": 0, "gva": 1 << 41 | PAGES}) == "guest-page fault"


@both_engines
def test_the_root_of_the_g_stage_has_16_kib(engine):
    """Two low bits of hgatp are 0, whatever is written (section 15.2.10)."""
    lab = lab_for(engine, False)
    for low in range(4):
        lab.csr["hgatp"] = 8 << 60 | 5 << 44 | RAM + HOST_ROOT >> 12 | low
        assert lab.csr["hgatp"] == 8 << 60 | 5 << 44 | RAM + HOST_ROOT >> 12


@both_engines
@pytest.mark.parametrize("change", [{"guest_pte": (FULL, [])}, {"host_flags": [[4]] * 8}])
def test_a_wrong_model_is_noticed(engine, change):
    """The comparison sees a bit that the model was not told of."""
    lab = lab_for(engine, False)
    check(lab, GOOD)
    build(lab, GOOD | change)
    lab.priv = 3
    for fence in ("hfence.vvma", "hfence.gvma"):
        assert lab.do(fence, at=CODE_TEXT) is None
    assert access(lab, GOOD, GVA) is not None
