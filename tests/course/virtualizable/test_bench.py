"""The bench of chapter 02: what it says about single instructions, and that it can be wrong."""

import pytest

from minihv.chapters.ch02 import Bench, sets, spellings
from minihv.hw.isa import INSTRUCTIONS

U, S, M = 0, 1, 3
STATES = ({}, {"other": True}, {"moved": True})


def kind(bench, spelled):
    """(privileged, control-sensitive, behaviour-sensitive), as the chapter decides it."""
    works, control, behaviour = set(), False, False
    for text in spelled:
        results = set()
        for mode in (U, S, M):
            for state in STATES[:2] if mode == M else STATES:
                seen = bench.run(text, mode, **state)
                if seen.trap is None:
                    works.add(mode)
                    results.add(seen.result)
                    control |= seen.control
        behaviour |= len(results) > 1
    return (U not in works, control, behaviour) if works else None


@pytest.mark.parametrize(("text", "expected"), [
    ("add a0, a1, a2", (False, False, False)), ("ld a0, 16(a1)", (False, False, False)),
    ("sd a2, 16(a1)", (False, False, False)), ("jalr a0, 16(a1)", (False, False, False)),
    ("fence.i", (False, False, False)), ("amoadd.w a0, a2, (a1)", (False, False, False)),
    ("sret", (True, True, True)), ("mret", (True, True, True)), ("wfi", (True, True, False)),
    ("sfence.vma a1, a2", (True, True, False)), ("csrr a0, satp", (True, False, True)),
    ("csrr a0, mhartid", (True, False, True)), ("csrr a0, mvendorid", (True, False, False)),
    ("csrr a0, cycle", (True, False, True)), ("ecall", None), ("csrw cycle, a1", None),
])  # fmt: skip
def test_what_an_instruction_is(text, expected):
    assert kind(Bench(), [text]) == expected


def test_on_the_silent_machine_exactly_the_s_csrs_change():
    standard, silent = Bench(), Bench("silent")
    names = dict(spellings(standard))
    for name in ("csrrw sepc", "csrr sstatus", "csrrci sip", "csrrsi stimecmp"):
        assert kind(standard, names[name])[0] and not kind(silent, names[name])[0]
        assert any(kind(silent, names[name])[1:])
    for name in ("sret", "csrrw mepc", "csrr time", "csrr mhartid"):
        assert kind(standard, names[name]) == kind(silent, names[name])


def test_every_instruction_is_spelled_once():
    names = [name for name, _ in spellings(Bench())]
    rows = {row.name for row in INSTRUCTIONS if row.extension not in ("Zicsr", "H")}
    assert rows <= set(names)
    assert len(names) == len(set(names)) == len(rows) + 7 * len(Bench().hart.csr)


def test_a_bench_that_does_not_move_memory_would_be_blind(monkeypatch):
    """The place in real memory matters to a load that bypasses translation: M-mode's."""
    bench = Bench()
    inside, moved = (bench.run("ld a0, 16(a1)", S, moved=there) for there in (False, True))
    assert inside.result == moved.result
    bench.machine.memory.write(0x80020000 + 0x40000 + 16, b"\1" * 8)  # no longer the same contents
    assert bench.run("ld a0, 16(a1)", S, moved=True).result != inside.result


def test_a_run_leaves_nothing_behind():
    bench = Bench()
    first = [bench.run(text, S) for text in ("sd a2, 16(a1)", "ld a0, 16(a1)", "csrr a0, sepc")]
    bench.run("csrw sepc, a2", S, other=True)
    bench.run("sfence.vma", M)
    assert first == [bench.run(text, S) for text in ("sd a2, 16(a1)", "ld a0, 16(a1)",
                                                     "csrr a0, sepc")]


def test_the_picture_says_whether_the_theorem_holds():
    good, bad = {(True, True): 3, (False, False): 2}, {(True, True): 1, (False, True): 2}
    both = sets({"one": good, "other": bad})
    assert "one: 3 instructions are privileged and sensitive" in both.text()
    assert both.picture().count("not virtualizable") == 1
