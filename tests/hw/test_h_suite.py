"""Public tests of the H extension, where $MINIHV_H_TESTS names a folder that holds them.

Which programs these are and how they are made is told in benchmarks/CONFORMANCE.md, and why some
checks are not met. Controls: copies with other expectations must be reported as failing.
"""

import os
from pathlib import Path

import pytest

from minihv.asm import assemble
from tests.hw import isa_runner
from tests.hw.lab import ENGINES, both_engines

VARIABLE = "MINIHV_H_TESTS"
FOLDER = os.environ.get(VARIABLE)
needs_programs = pytest.mark.skipif(
    not FOLDER, reason=f"${VARIABLE} names no folder with tests of the H extension"
)

STALE = "wants a translation to be kept over a change in the tables, which a TLB need not do"
SV48 = "wants Sv48 or Sv48x4, which this machine has not"
UNMET = {
    "hfences correctly invalidate guest tlb entries": STALE,
    "hs sfence doest not affect guest level tlb entries": STALE,
    "vs sfence doest not affect hypervisor level tlb entries": STALE,
    "vs access to time casuses succsseful with mcounteren.tm and hcounteren.tm set":
        "wants an illegal instruction where its own title says success; the fork has it right",
    "hs hlvxwu on vs-level non-exec page leads to lpf":
        "wants GVA = 0, though stval holds a guest-virtual address; the fork has it right",
    "hgatp Bare VMID": "wants VMID to be kept in Bare mode, where software must write 0",
    **{f"{name}{what}": SV48 for name in ("satp Sv48", "vsatp Sv48")
       for what in ("", " ASID", " PPN width limits")},
    **{f"hgatp Sv48x4{what}": SV48 for what in ("", " VMID", " PPN width limits")},
}  # fmt: skip


@needs_programs
@pytest.mark.parametrize("engine", ENGINES)
def test_all_programs_pass(engine):
    results = list(isa_runner.run_all(Path(FOLDER), engine))
    assert results, f"${VARIABLE}: no ELF file in {FOLDER}"
    failed = [r for r in results if not r.passed and r.name.split(": ")[-1] not in UNMET]
    lines = [f"{r.name}: {r.detail}" for r in failed]
    assert not failed, f"{len(failed)} of {len(results)} fail:\n" + "\n".join(lines)


def compared_otherwise(elf: bytes) -> bytes:
    """`elf` with one bit of its last bne flipped: it compares with another register."""
    for k in range(len(elf) - 4 & -2, 0, -2):
        word = int.from_bytes(elf[k : k + 4], "little")
        if word & 0x707F == 0x1063 and word & 0xF8000 and word & 0x1F00000:  # of two registers
            return elf[:k] + (word ^ 1 << 20).to_bytes(4, "little") + elf[k + 4 :]
    raise AssertionError("no bne was found")


def other_cause(elf: bytes) -> bytes:
    """`elf` that expects cause 23 wherever it expected 22 (c.li rd, 22), one bit each."""
    halves = [int.from_bytes(elf[i : i + 2], "little") for i in range(0, len(elf) - 1, 2)]
    changed = [half ^ 4 if half & 0xF07F == 0x4059 else half for half in halves]
    assert changed != halves, "no expectation of cause 22 was found"
    return b"".join(half.to_bytes(2, "little") for half in changed) + elf[2 * len(halves) :]


@needs_programs
@both_engines
def test_wrong_expectations_are_reported(engine):
    for path in isa_runner.programs(Path(FOLDER)):
        elf = path.read_bytes()
        if "rvh_test" in path.name:
            good = isa_runner.run_checks(elf, path.name, engine)
            bad = isa_runner.run_checks(other_cause(elf), path.name, engine)
            lost = {r.name for r in good if r.passed} - {r.name for r in bad if r.passed}
            assert len([name for name in lost if "virtual" in name]) >= 5, path.name
        else:
            assert not isa_runner.run(compared_otherwise(elf), path.name, engine).passed


# --- controls that need no folder -----------------------------------------------------------------

PRINTS = """
_start: la s0, text
        li s1, 0x10000000
1:      lbu a0, (s0)
        beqz a0, 2f
        sb a0, (s1)
        addi s0, s0, 1
        j 1b
2:      li t0, 0x100000
        li t1, 0x5555
        sw t1, (t0)
        wfi
text:   .asciz "{text}"
"""


def printing(text: str) -> bytes:
    return assemble(PRINTS.format(text=text), 0x80000000).elf()


@both_engines
def test_checks_are_read_from_the_console(engine):
    good = r"group\r\n\t\x1b[34mtwo and two  \x1b[0mPASSED\r\n\tone      FAILED\r\n\t()\r\nend\r\n"
    results = isa_runner.run_checks(printing(good), "p", engine)
    verdicts = {result.name: result.passed for result in results}
    assert verdicts == {"p: two and two": True, "p: one": False, "p: reaches its end": True}
    (cut,) = isa_runner.run_checks(printing(r"group\r\n\tone "), "p", engine)
    assert (cut.passed, cut.detail) == (False, "one")


def test_a_group_is_a_program_or_a_family():
    assert isa_runner.group("rvh_test.elf: hs hlvd") == "rvh_test.elf"
    assert isa_runner.group("hypervisor-p-2-stage_translation") == "hypervisor-p"
