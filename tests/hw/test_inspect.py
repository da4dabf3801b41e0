"""Looking without touching: the walk in words is the machine's, and changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from minihv.asm import around
from minihv.devices.virt import Machine
from minihv.hw import inspect, tlb
from minihv.hw import state as st
from minihv.hw.bits import i64
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory
from tests.tiers import count

BASE = 0x80000000
ROOT, MIDDLE, LAST, PAGE = (BASE + 0x1000 * k for k in range(4))
V, R, W, X, U, A, D = (1 << k for k in (0, 1, 2, 3, 4, 6, 7))


def pte(pa: int, bits: int) -> int:
    return pa >> 12 << 10 | bits


def put(hart: Hart, table: int, index: int, value: int) -> None:
    hart.memory.write(table + 8 * index, (value & (1 << 64) - 1).to_bytes(8, "little"))


def paged(priv: int = 1, bits: int = V | R | W | A | D) -> Hart:
    """A hart whose tables map virtual 0x40201000 to PAGE at level 0."""
    hart = Hart(0, Memory(1 << 16), "python")
    hart.own_machine_mode()
    put(hart, ROOT, 1, pte(MIDDLE, V))
    put(hart, MIDDLE, 1, pte(LAST, V))
    put(hart, LAST, 1, pte(PAGE, bits))
    hart.memory.write(PAGE, bytes(range(256)) * 16)
    hart.csr["satp"] = 8 << 60 | ROOT >> 12
    hart.priv = priv
    return hart


VA = 0x40201000


# --- against the machine --------------------------------------------------------------------------

ACCESS = some.sampled_from(["read", "write", "fetch"])
# Mostly PTEs that are almost right: what is random through and through faults at once.
BITS = some.one_of(some.sampled_from([V, V | R | W | X | A | D, V | R | W | X | U | A | D]),
                   some.integers(0, 255))
HIGH = some.sampled_from([0, 0, 0, 0, 1 << 54, 1 << 63, 1 << 61])
PLACE = some.sampled_from([ROOT, MIDDLE, LAST, PAGE, BASE + 0xF000, 0x10000000, BASE + 0x10000, 0])
POINTERS = (MIDDLE, V, 0), (LAST, V, 0)
ANY = some.tuples(PLACE, BITS, HIGH)
LEAF = some.tuples(some.just(PAGE), BITS, some.just(0))


@settings(max_examples=count(300, 1500, 50_000), deadline=None)
@given(
    access=ACCESS, size=some.sampled_from([1, 2, 4, 8]), priv=some.sampled_from([0, 1, 3]),
    va=some.sampled_from([VA, VA + 4, VA + 8, -VA, 1 << 38, 0x40000000, 0x40200000, 0x80003000, 0]),
    entries=some.tuples(ANY | some.just((MIDDLE, V, 0)), ANY | some.just((LAST, V, 0)), ANY | LEAF),
    status=some.integers(0, 31), svade=some.booleans(), bare=some.sampled_from([0, 0, 0, 1]),
    pmp=some.sampled_from([None, None, None, (ROOT, 0), (LAST, 1), (PAGE, 5), (PAGE + 8, 0)]),
)  # fmt: skip
@example("read", 1, 3, VA, [*POINTERS, (PAGE, 0xCF, 0)], 4, False, 0, None)  # MPRV
@example("read", 8, 1, VA + 4, [*POINTERS, (PAGE, 0xCF, 0)], 0, False, 0, (PAGE + 8, 0))
@example("write", 8, 1, VA, [*POINTERS, (PAGE, V | R | W | A, 0)], 0, False, 0, (LAST, 1))
@example("read", 8, 1, VA, [(MIDDLE, V | U, 0), (LAST, V, 0), (PAGE, 0xCF, 0)], 0, False, 0, None)
def test_the_walk_is_the_machines(access, size, priv, va, entries, status, svade, bare, pmp):
    hart = paged(priv)
    for table, (place, bits, high) in zip((ROOT, MIDDLE, LAST), entries, strict=True):
        put(hart, table, 1, pte(place, bits) | high)
    s = hart.s
    s[st.MSTATUS] |= (status & 1) * st.SUM | (status >> 1 & 1) * st.MXR
    s[st.MSTATUS] |= (status >> 2 & 1) * st.MPRV | (3 if status & 16 else 1) << st.MPP_SHIFT
    s[st.SVADE] = svade
    if bare:
        s[st.SATP] = 0
    if pmp:  # a page, or eight bytes of one, with fewer rights than the rest
        place, rights = pmp
        span = 0 if place & 8 else 0x1FF
        s[st.PMPADDR + 1], s[st.PMPCFG + 1] = s[st.PMPADDR], s[st.PMPCFG]
        s[st.PMPADDR], s[st.PMPCFG] = place >> 2 | span, 3 << 3 | rights
    hart.flush()
    before = hart.state.copy(), hart.tlb_array.copy(), hart.memory.bytes.copy()
    found = inspect.walk(hart, va, access, size)
    for array, old in zip((hart.state, hart.tlb_array, hart.memory.bytes), before, strict=True):
        assert (array == old).all()
    s[st.EXIT] = 0
    pa = tlb.translate(s, hart.tlb, *hart.memory.views.for_walks, i64(va), size,
                       inspect_access(access))  # fmt: skip
    if s[st.EXIT]:
        assert (found.pa, found.cause) == (None, s[st.CAUSE])
    elif access == "fetch" and not BASE <= pa < BASE + (1 << 16):
        assert found.cause == 1  # the fetch itself finds that out
    else:
        assert (found.pa, found.cause) == (pa, None)
    assert found.verdict and all(step.verdict for step in found.steps)


def inspect_access(access: str) -> int:
    return {"read": st.READ, "write": st.WRITE, "fetch": st.FETCH}[access]


# --- in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "priv,bits,access,words",
    [
        (1, 0, "read", "V is 0"),
        (1, V | W | A, "read", "W without R"),
        (1, V, "read", "pointer at level 0"),
        (1, V | R | U | A, "read", "SUM"),
        (0, V | R | A, "read", "U is 0"),
        (1, V | R | A, "write", "W is 0"),
        (1, V | R | A, "fetch", "X is 0"),
        (1, V | X | A, "read", "MXR"),
        (1, V | X | U | A, "fetch", "S-mode never runs"),
        (1, V | R | W, "write", "the walker sets A and D"),
        (1, V | R | W | A, "write", "the walker sets D"),
        (1, V | A, "read", "must have U, A and D 0"),
    ],
)
def test_the_last_step_says_why(priv, bits, access, words):
    found = inspect.walk(paged(priv, bits), VA, access)
    assert [step.level for step in found.steps] == [2, 1, 0]
    assert words in found.steps[-1].verdict
    assert (found.pa is None) == (found.steps[-1].kind == "fault")
    assert found.pa is not None or words in found.verdict


def test_what_lies_outside_the_tables_is_said():
    hart = paged()
    assert "bit 38" in inspect.walk(hart, 1 << 39).verdict
    put(hart, ROOT, 1, pte(0x10000000, V))
    assert "not RAM" in inspect.walk(hart, VA).verdict
    put(hart, ROOT, 1, pte(LAST, V | R | A))
    assert "low 18 PPN bits" in inspect.walk(hart, VA).verdict
    put(hart, ROOT, 1, pte(0x10000000 & -(1 << 30), V | R | A))
    assert "a device answers" in inspect.walk(hart, VA).verdict
    hart.s[st.SVADE] = 1
    put(hart, ROOT, 1, pte(0, V | R))
    assert "Svade" in inspect.walk(hart, VA).verdict
    with pytest.raises(ValueError, match="choose"):
        inspect.walk(hart, VA, "execute")


def test_bits_are_shown_as_letters():
    assert inspect.walk(paged(1, V | R | X | A), VA).steps[-1].bits == "-a--x-rv"
    assert inspect.walk(paged(), VA).steps[0].pte_address == ROOT + 8


# --- memory, fields, code -------------------------------------------------------------------------


def test_reading_over_a_page_boundary():
    hart = paged()
    assert inspect.peek_virtual(hart, VA + 1, 4) == 0x04030201
    assert inspect.read_virtual(hart, VA + 0xFFE, 4) is None
    put(hart, LAST, 2, pte(PAGE, V | R | A))
    assert inspect.read_virtual(hart, VA + 0xFFE, 4) == bytes([254, 255, 0, 1])
    assert inspect.read_virtual(hart, VA, 0) == b""
    assert inspect.peek_virtual(hart, (1 << 64) - 4, 8) is None


def test_devices_are_not_read():
    machine = Machine(1 << 20, engine="python")
    machine.console.feed(b"a")
    machine.devices["uart"].write(1, 1, 1)
    assert inspect.peek_virtual(machine.harts[0], 0x10000000, 1) is None
    assert machine.console.queued() == 1


def test_csr_fields_have_meanings():
    def meanings(name: str, value: int) -> dict[str, str]:
        return {f.name: f.meaning for f in inspect.csr_fields(name, value) if f.meaning}

    root = {"MODE": "Sv39", "PPN": "root table at 0x80001000"}
    assert meanings("satp", 8 << 60 | 0x80001) == root
    assert meanings("mstatus", 3 << 11 | 2 << 32)["MPP"] == "M"
    assert meanings("scause", 1 << 63 | 5) == {"Code": "Supervisor timer interrupt"}
    assert meanings("mtvec", 0x80000001) == {"MODE": "vectored", "BASE": "handler at 0x80000000"}
    assert meanings("misa", 2 << 62 | 1 << 8 | 1) == {"MXL": "64 bits", "Extensions": "AI"}
    assert inspect.csr_fields("mscratch", 5) == []
    fields = inspect.csr_fields("mstatus", 1 << 3)
    assert [f.name for f in fields if f.value] == ["MIE"]
    assert [f.low for f in fields] == sorted((f.low for f in fields), reverse=True)


def test_code_around_the_pc():
    from minihv.asm import assemble

    program = assemble("a: nop\n c.nop\n b: li a0, 5\n c.nop\n c: addi a1, a1, 1\n j a", BASE)
    hart = Hart(0, Memory(1 << 16), "python")
    hart.memory.write(BASE, program.data)
    hart.pc = program.symbols["b"]
    lines = around.code_around(hart, 2, 3, program.symbols)
    assert [line.pc - BASE for line in lines] == [0, 4, 6, 10, 12, 16]
    assert lines[-1].text.endswith("<a>")
    hart.pc = BASE
    assert around.code_around(hart, 4, 0)[0].pc == BASE  # nothing above, and RAM begins here
    hart.pc = 0x1000
    assert around.code_around(hart) == []


# --- two stages -----------------------------------------------------------------------------------

G_ROOT, G_MIDDLE, G_LAST = BASE + 0x4000, BASE + 0x8000, BASE + 0x9000
FULL = V | R | W | X | U | A | D


def guest(priv: int = 1, leaf: int = V | R | W | A | D) -> Hart:
    """A hart in VS-mode; gpa BASE to BASE + 0x4000 lie elsewhere, gva VA at gpa PAGE."""
    hart = Hart(0, Memory(1 << 16), "python", hypervisor=True)
    hart.own_machine_mode()
    put(hart, G_ROOT, BASE >> 30, pte(G_MIDDLE, V))
    put(hart, G_MIDDLE, 0, pte(G_LAST, V))
    for k, gpa in enumerate((ROOT, MIDDLE, LAST, PAGE)):
        put(hart, G_LAST, k, pte(place_of(gpa), FULL))
    for table, target, bits in ((ROOT, MIDDLE, V), (MIDDLE, LAST, V), (LAST, PAGE, leaf)):
        put(hart, place_of(table), 1, pte(target, bits))
    hart.csr["hgatp"] = 8 << 60 | G_ROOT >> 12
    hart.csr["vsatp"] = 8 << 60 | ROOT >> 12
    hart.priv = priv
    hart.s[st.VIRT] = 1
    hart.flush()
    return hart


def place_of(gpa: int) -> int:
    """Where the guest's page lies: behind the G-stage's tables."""
    return gpa + 0xA000


def machine_says(hart: Hart, va: int, access: str, size: int = 8) -> tuple[int | None, int | None]:
    """(pa, cause) by the machine's own walk."""
    s = hart.s
    s[st.EXIT] = 0
    pa = tlb.translate(s, hart.tlb, *hart.memory.views.for_walks, i64(va), size,
                       inspect_access(access))  # fmt: skip
    return (None, s[st.CAUSE]) if s[st.EXIT] else (pa, None)


@settings(max_examples=count(300, 1500, 50_000), deadline=None)
@given(
    access=ACCESS, priv=some.sampled_from([0, 1]),
    va=some.sampled_from([VA, VA + 8, VA, VA, 1 << 38, 0x40000000, BASE]),
    entries=some.tuples(ANY | some.just((MIDDLE, V, 0)), ANY | some.just((LAST, V, 0)), ANY | LEAF),
    second=some.lists(some.one_of(some.just(FULL), some.just(FULL), some.integers(0, 255)),
                      min_size=4, max_size=4),
    status=some.integers(0, 7), svade=some.booleans(), bare=some.sampled_from([0, 0, 0, 0, 1, 2]),
)  # fmt: skip
@example("write", 1, VA, [*POINTERS, (PAGE, V | R | W, 0)], [FULL, FULL, FULL & ~W, FULL], 0,
         False, 0)  # fmt: skip
@example("fetch", 0, VA, [*POINTERS, (PAGE, FULL, 0)], [FULL] * 3 + [FULL & ~X], 0, False, 0)
@example("read", 1, BASE, [*POINTERS, (PAGE, FULL, 0)], [FULL & ~U, FULL, FULL, FULL], 0, False, 1)
def test_a_guests_walk_is_the_machines(access, priv, va, entries, second, status, svade, bare):
    hart = guest(priv)
    for table, (place, bits, high) in zip((ROOT, MIDDLE, LAST), entries, strict=True):
        put(hart, place_of(table), 1, pte(place, bits) | high)
    for k, bits in enumerate(second):
        put(hart, G_LAST, k, pte(place_of(BASE + 0x1000 * k), bits))
    s = hart.s
    s[st.VSSTATUS] |= (status & 1) * st.SUM | (status >> 1 & 1) * st.MXR
    s[st.MSTATUS] |= (status >> 2 & 1) * st.MXR
    s[st.SVADE] = svade
    if bare:
        s[st.VSATP if bare == 1 else st.HGATP] = 0
    hart.flush()
    before = hart.state.copy(), hart.tlb_array.copy(), hart.memory.bytes.copy()
    found = inspect.walk(hart, va, access, 8)
    for array, old in zip((hart.state, hart.tlb_array, hart.memory.bytes), before, strict=True):
        assert (array == old).all()
    pa, cause = machine_says(hart, va, access)
    if cause is None and access == "fetch" and not BASE <= pa < BASE + (1 << 16):
        pa, cause = None, 1  # the fetch itself finds that out
    assert (found.pa, found.cause) == (pa, cause), found.verdict
    assert found.verdict and all(step.verdict for step in found.steps)
    if cause is not None and cause >= 20:
        assert hart.s[st.GPA] << 2 == found_gpa(found) & -4


def found_gpa(found: inspect.Walk) -> int:
    """The gpa for which the G-stage had no page, from the words of the verdict."""
    return int(found.verdict.partition("gpa ")[2].split()[0].rstrip(":"), 16)


def test_a_walk_of_a_guest_has_two_dimensions():
    hart = guest()
    found = inspect.walk(hart, VA)
    assert [step.stage for step in found.steps] == ["G", "G", "G", "VS"] * 3 + ["G"] * 3
    assert (found.gpa, found.pa) == (PAGE, place_of(PAGE))
    before = hart.s[st.WALK_READS]
    assert machine_says(hart, VA, "read") == (place_of(PAGE), None)
    assert hart.s[st.WALK_READS] - before == len(found.steps) == 15
    assert found.steps[3].source == ROOT + 8 and found.steps[3].pte_address == place_of(ROOT) + 8
    assert "by way of gpa" in found.verdict


@pytest.mark.parametrize("large_vs", [0, 1])
@pytest.mark.parametrize("large_g", [0, 1])
def test_superpages_save_references(large_vs: int, large_g: int):
    hart = Hart(0, Memory(8 << 20), "python", hypervisor=True)
    hart.own_machine_mode()
    tables = [BASE + 0x400000 + 0x1000 * k for k in range(4)]  # gpas
    put(hart, G_ROOT, 2, pte(G_MIDDLE, V))
    for k in range(4):
        start, table = BASE + (k << 21), G_LAST + 0x1000 * k
        put(hart, G_MIDDLE, k, pte(start, FULL) if large_g else pte(table, V))
        for n in range(0 if large_g else 512):
            put(hart, table, n, pte(start + (n << 12), FULL))
    put(hart, tables[0], 1, pte(tables[1], V))
    put(hart, tables[1], 1, pte(BASE + 0x200000, FULL & ~U) if large_vs else pte(tables[2], V))
    put(hart, tables[2], 1, pte(tables[3], FULL & ~U))
    hart.csr["hgatp"], hart.csr["vsatp"] = 8 << 60 | G_ROOT >> 12, 8 << 60 | tables[0] >> 12
    hart.priv, hart.s[st.VIRT] = 1, 1
    hart.flush()
    references = (4 - large_vs) * (4 - large_g) - 1
    assert len(inspect.walk(hart, VA).steps) == references
    before = hart.s[st.WALK_READS]
    assert machine_says(hart, VA, "read")[1] is None
    assert hart.s[st.WALK_READS] - before == references
