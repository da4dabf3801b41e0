"""The public RISC-V test programs, where $MINIHV_ISA_TESTS names a folder that holds them.

What the folder must hold, and how it is made, is told in benchmarks/CONFORMANCE.md. The controls
run everywhere: a program with one wrong expectation must be reported as failing.
"""

import os
from pathlib import Path

import pytest

from minihv.asm import assemble
from tests.hw import isa_runner
from tests.hw.lab import ENGINES, both_engines

VARIABLE = "MINIHV_ISA_TESTS"
FOLDER = os.environ.get(VARIABLE)
# How the programs load what they expect: match, mask, and the lowest bit of the constant.
LOADS = ((0x00000393, 0x000FFFFF, 20), (0x000003B7, 0x00000FFF, 12))  # addi x7, x0, n; lui x7, n
BNE = 0x00771063  # bne x14, x7, ...: and how they compare it
BNE_MASK = 0x01FFF07F
FAMILIES = ("rv64ui-p-add", "rv64ui-v-add", "rv64um-p-mul", "rv64ua-p-amoadd_w")


def found() -> list[Path]:
    """The programs, or none where the variable is not set."""
    if not FOLDER:
        return []
    return isa_runner.programs(Path(FOLDER))


needs_programs = pytest.mark.skipif(
    not FOLDER, reason=f"${VARIABLE} names no folder with the RISC-V test programs"
)


@needs_programs
@pytest.mark.parametrize("engine", ENGINES)
def test_all_programs_pass(engine):
    results = list(isa_runner.run_all(Path(FOLDER), engine))
    assert results, f"${VARIABLE}: no ELF file in {FOLDER}"
    failed = [f"{result.name}: {result.detail}" for result in results if not result.passed]
    assert not failed, f"{len(failed)} of {len(results)} fail:\n" + "\n".join(failed)


def spoiled(elf: bytes) -> bytes:
    """`elf` with one bit of one expected value flipped."""
    words = [int.from_bytes(elf[i : i + 4], "little") for i in range(0, len(elf) - 3, 4)]
    for k, word in enumerate(words[:-1]):
        for match, mask, bit in LOADS:
            if word & mask == match and words[k + 1] & BNE_MASK == BNE:
                changed = (word ^ 1 << bit).to_bytes(4, "little")
                return elf[: 4 * k] + changed + elf[4 * k + 4 :]
    raise AssertionError("no comparison with a constant was found")


@needs_programs
@both_engines
@pytest.mark.parametrize("name", FAMILIES)
def test_one_wrong_expectation_is_reported(engine, name, tmp_path):
    path = Path(FOLDER) / name
    if not path.exists():
        pytest.skip(f"{name} is not among the programs")
    (tmp_path / name).write_bytes(spoiled(path.read_bytes()))
    (result,) = isa_runner.run_all(tmp_path, engine)
    assert not result.passed
    assert result.detail
    good = isa_runner.run(path, name, engine)
    assert good.passed


# --- controls that need no folder -----------------------------------------------------------------

SUITE = """
_start: la t5, trap
        csrw mtvec, t5
        li gp, 2
        li x13, 20
        li x14, 22
        add x14, x13, x14
        li x7, {expected}
        bne x14, x7, fail
        li gp, 3
        {extra}
        j pass
fail:   slli gp, gp, 1
        ori gp, gp, 1
        j report
pass:   li gp, 1
report: la t5, tohost
        sw gp, (t5)
        sw x0, 4(t5)
        j report
        .align 2
trap:   ori gp, gp, 1337
        j report
        .align 6
tohost: .dword 0
"""


def control(expected: int = 42, extra: str = "") -> bytes:
    return assemble(SUITE.format(expected=expected, extra=extra), 0x80000000).elf()


@both_engines
def test_the_runner_tells_passing_from_failing(engine, tmp_path, monkeypatch):
    (tmp_path / "own-p-good").write_bytes(control())
    (tmp_path / "own-p-wrong").write_bytes(control(43))
    (tmp_path / "own-p-trap").write_bytes(control(extra=".word 0"))
    (tmp_path / "own-p-hang").write_bytes(control(extra="1: j 1b"))
    (tmp_path / "own-p-silent").write_bytes(control(extra="wfi"))
    (tmp_path / "own-p-cut").write_bytes(control()[:100])
    (tmp_path / "NOTES.md").write_text("not a program")
    (tmp_path / "own-p-good.dump").write_text("nor this")
    monkeypatch.setattr(isa_runner, "BUDGET", 100_000)
    results = {result.name[6:]: result for result in isa_runner.run_all(tmp_path, engine)}
    assert {name: result.passed for name, result in results.items()} == {
        "good": True, "wrong": False, "trap": False, "hang": False, "silent": False, "cut": False,
    }  # fmt: skip
    assert results["wrong"].detail == "test 2 failed"
    assert results["hang"].detail == "ended by budget"
    assert results["silent"].detail == "ended by deadlock"
    assert "not loaded" in results["cut"].detail


def test_a_spoiled_program_differs_in_one_bit():
    good = control()
    bad = spoiled(good)
    assert sum((a ^ b).bit_count() for a, b in zip(good, bad, strict=True)) == 1
    assert not isa_runner.run(bad, "own-p-bad", "python").passed


def test_the_table_counts_by_group():
    results = [
        isa_runner.Result("rv64ui-p-add", True, "", 1),
        isa_runner.Result("rv64ui-p-sub", False, "test 3 failed", 1),
        isa_runner.Result("rv64um-v-mul", True, "", 1),
    ]
    text = isa_runner.table(results)
    assert "| rv64ui-p | 1 | 2 |" in text
    assert "| all | 2 | 3 |" in text
    assert text.endswith("rv64ui-p-sub: test 3 failed")
