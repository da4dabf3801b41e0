"""Each instruction on three engines: plain Python, compiled with the machine, copied from stencils.

First the functions of the table alone, with examples of what a function may hold beside them;
then each row of the encoding table in a small program. Both go through the tables, so that a new
row is tested without being mentioned here. No peer is needed: the forms are compared with each
other on random operands and on those at the edges.
"""

import ast
import copy
import ctypes
import inspect
import itertools
import random
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import minihv
from minihv.asm.operands import limits
from minihv.hw import engine, ir, native
from minihv.hw.bits import i8, i16, i64, ltu, mulhu, srl
from minihv.hw.isa import BY_NAME, INSTRUCTIONS, Instruction
from minihv.hw.semantics import MEANING
from minihv.hw.shapes import Kind, Meaning, check, source_of, sources
from tests.hw.chaos import make_eager
from tests.hw.compare import differences
from tests.hw.lab import RAM, SIZE, program

binding = pytest.importorskip("llvmlite.binding", reason="llvmlite is not installed")

HW = Path(minihv.__file__).parent / "hw"
LOW, HIGH = -(1 << 63), (1 << 63) - 1
EDGES = (0, 1, -1, 2, 31, 32, 63, 64, 1 << 31, (1 << 31) - 1, -(1 << 31), (1 << 32) - 1, 1 << 32,
         HIGH, LOW, LOW + 1)  # fmt: skip
CHOSEN = random.Random(1)
PAIRS = [*itertools.product(EDGES, EDGES)]
PAIRS += [(CHOSEN.randint(LOW, HIGH), CHOSEN.randint(LOW, HIGH)) for _ in range(50)]
PAIRS += [(CHOSEN.getrandbits(8), CHOSEN.getrandbits(8)) for _ in range(50)]


# --- the functions: those of the table, and what else a function may hold -------------------------


# ruff: noqa: E704
# fmt: off
def least(a, b): return a if a < b else b
def nested(a, b): return (b if b > 7 else i64(-b)) if a >= b else (a if not a else 3)
def flag(a, b): return a <= b
def no(a): return not a
def truths(a, b): return (a < b) + (a != b) * 2 + (not ltu(a, b)) * 4
def bits_of_truths(a, b): return (a < b) ^ (b == 0) | (a > b)
def chosen_by_a_number(a, b): return a if b & 5 else ~a
def chosen_truth(a, b): return ltu(a, b) if a & 1 else b
def narrow(a, b): return i16(a) if b & 1 else i8(b)
def guarded(a, b): return a >> b if ltu(b, 64) else mulhu(a, b)
def ones(a):
    a = i64(a - (srl(a, 1) & 0x5555555555555555))
    a = (a & 0x3333333333333333) + (srl(a, 2) & 0x3333333333333333)
    a = a + srl(a, 4) & 0x0F0F0F0F0F0F0F0F
    return srl(i64(a * 0x0101010101010101), 56)
# fmt: on


EXAMPLES = (least, nested, flag, no, truths, bits_of_truths, chosen_by_a_number, chosen_truth,
            narrow, guarded, ones)  # fmt: skip
FUNCTIONS = list(dict.fromkeys(m.function for m in MEANING.values() if m.function)) + [*EXAMPLES]
named = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def arity(function) -> int:
    return len(inspect.signature(function).parameters)


@pytest.fixture(scope="module")
def compiled():
    """The functions by number, compiled as the machine is; all take two operands."""
    trees = []
    for number, function in enumerate(FUNCTIONS):
        tree = copy.deepcopy(source_of(function))
        tree.name = f"f{number}"
        if arity(function) == 1:
            tree.args.args.append(ast.arg("unused"))
        trees.append(tree)
    names = [tree.name for tree in trees]
    text = native.module([(ast.Module(trees, []), {})], names)
    linked = engine.link(engine.compiled(text, 3), names)
    return [engine.built_in(linked[name], 0) for name in names]


class Single(ir.Writer):
    """A function as an LLVM function of its own."""

    def module(self, function, name: str) -> str:
        tree = source_of(function)
        self.names = {each.arg: ir.Value(f"%p{k}") for k, each in enumerate(tree.args.args)}
        for node in tree.body[:-1]:
            self.names[node.targets[0].id] = self.word(node.value)
        value = self.word(tree.body[-1].value)
        head = f"define i64 @{name}(i64 %p0, i64 %p1) {{"
        return "\n".join([head, *self.lines, f"  ret i64 {value}", "}", ""])


def in_llvm(function, writer=Single) -> list[int]:
    """The results on PAIRS."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    module = binding.parse_assembly(writer().module(function, "f"))
    module.verify()
    target = binding.Target.from_default_triple().create_target_machine(opt=1, jit=True)
    with binding.create_mcjit_compiler(module, target) as engine:
        engine.finalize_object()
        call = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 3)(engine.get_function_address("f"))
        return [call(a, b) for a, b in PAIRS]


@named
def test_a_function_gives_the_same_in_its_three_forms(function, compiled):
    expected = [int(function(*pair[: arity(function)])) for pair in PAIRS]
    assert all(LOW <= value <= HIGH for value in expected), "a value must be wrapped: i64(...)"
    assert [compiled[FUNCTIONS.index(function)](*pair) for pair in PAIRS] == expected
    assert in_llvm(function) == expected


@pytest.mark.parametrize(("right", "wrong", "function"), [
    ("self.word(body), self.word(orelse)", "self.word(orelse), self.word(body)", least),
    ("self.truth(test), self.word(body)", "self.word(test), self.word(body)", chosen_by_a_number),
    ('f"zext i1 {value} to i64"', 'f"sext i1 {value} to i64"', truths),
    ("f\"xor i1 {self.truth(operand)}, true\", \"i1\"", "f\"xor i1 {self.truth(operand)}, false\"" +
     ", \"i1\"", no),
    ("ast.LtE: \"sle\"", "ast.LtE: \"slt\"", flag),
])  # fmt: skip
def test_a_fault_in_the_translator_is_noticed(right, wrong, function):
    text = (HW / "ir.py").read_text()
    assert text.count(right) == 1
    planted = types.ModuleType("planted")
    sys.modules["planted"] = planted
    exec(text.replace(right, wrong), vars(planted))
    faulty = type("Faulty", (planted.Writer,), {"module": Single.module})
    expected = [int(function(*pair[: arity(function)])) for pair in PAIRS]
    assert in_llvm(function) == expected
    try:
        assert in_llvm(function, faulty) != expected
    except RuntimeError:
        pass  # LLVM itself refuses it


# --- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "return popcount(a)": "`popcount(a)`: no such primitive of bits",
    "return i64(a, b)": "`i64(a, b)`: no such primitive",
    "return a if 0 < a < b else b": "`0 < a < b`: not among what regions can translate",
    "return a // b": "`a // b`: not among",
    "return a ** 2": "`a ** 2`: not among",
    "return a and b": "`a and b`: not among",
    "return max(a, b)": "`max(a, b)`: no such primitive",
    "return a[0]": "`a[0]`: not among",
    "return 1.5": "`1.5`: not among",
    "return a & 0xFFFFFFFFFFFFFFFF": "`18446744073709551615`: not among",
    "return a + left": "`left`: no such name",
    "return a.bits": "`a.bits`: not among",
    "return sll(a, n=b)": "`sll(a, n=b)`: not among",
    "c = a + b; return c": "`c = a + b`: only parameters may be assigned to",
    "a += b; return a": "`a += b`: only parameters may be assigned to",
    "return": "`return`: a function ends in return and a value",
    "a = b": "`a = b`: a function ends in return and a value",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_regions_cannot_translate_is_refused(body):
    (function,) = ast.parse(f"def f(a, b): {body}").body
    with pytest.raises(ValueError) as caught:
        ir.check(function)
    assert REFUSED[body] in str(caught.value)


def test_a_function_has_as_many_parameters_as_the_instruction_has_sources():
    with pytest.raises(ValueError, match="add: function no: .* rs1, rs2"):
        check("add", Meaning(Kind.COMPUTE, no))


@pytest.mark.parametrize(("file", "old", "new", "message"), [
    ("semantics.py", "return 1 if ltu(a, b) else 0", "return floor(a, b)",
     "sltiu: function sltu: `floor(a, b)`: no such primitive of bits"),
    ("isa.py", "mulw    rd", "mulq    rd", "mulq is encoded in isa: say in MEANING what it does"),
])  # fmt: skip
def test_a_row_that_is_refused_is_refused_on_import(tmp_path, file, old, new, message):
    for part in ("__init__.py", "errors.py", "hw"):
        copy = shutil.copytree if part == "hw" else shutil.copy
        (tmp_path / "minihv").mkdir(exist_ok=True)
        copy(HW.parent / part, tmp_path / "minihv" / part)
    path = tmp_path / "minihv" / "hw" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import minihv.hw.tables"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"ValueError: {message}"


# --- the instructions, each in a small program ----------------------------------------------------

TABLE, OUT, DATA = RAM + 0x8000, RAM + 0x20000, RAM + SIZE // 2
REGISTERS = {"rd": "a2", "rs1": "a0", "rs2": "a1", "rd'": "a2", "rs1'": "a0", "rs2'": "a1"}
SOME = [pair for pair in PAIRS if CHOSEN.random() < 0.3]
INSIDE = [row for row in INSTRUCTIONS
          if MEANING[row.base or row.name].kind not in (Kind.ATOMIC, Kind.SYSTEM)]  # fmt: skip


def spelled(row: Instruction, immediate: int) -> str:
    """The instruction in assembly, with registers of REGISTERS and `1f` as its target."""
    texts = {**REGISTERS, "sp": "sp", "target": "1f", "pred": "rw", "succ": "w",
             "imm": str(immediate), "uimm": str(immediate), "imm20": hex(immediate >> 12 & 0xFFFFF)}
    written = (re.sub(r"[a-z]\w*'?", lambda m: texts[m[0]], token) for token in row.syntax)
    return f"{row.name} {', '.join(written)}"


FAR = 1  # in place of an immediate: the target lies in the next page


def immediates(row: Instruction) -> list[int]:
    """Those of `row` at the edges, [0] if it has none."""
    field = next((name for name in ("imm", "uimm") if name in row.fields), "")
    if "target" in row.syntax:
        return [0, FAR]
    if not field:
        return [0]
    taken = limits(row, field)
    values = {taken[0], taken[-1], 0, taken.step, 5 * taken.step, taken[len(taken) // 4]}
    return sorted(v for v in values if v in taken and v != row.excluded.get(field))


def once(row: Instruction, immediate: int, fresh: str) -> str:
    """Source that executes `row` and stores what it did: a2, sp, and a3 unless it jumped.

    fresh: the register that the instruction before it writes, to the value that it has.
    """
    before, after = "mv a2, a0\n mv sp, a0\n li a3, 0\n", ""
    if "target" in row.syntax and immediate == FAR:
        before += "j 4f\n .balign 4096\n .skip 4080\n 4:"
        after = ".balign 4096"
    if MEANING[row.base or row.name].kind is Kind.INDIRECT:
        before += f"la a0, 1f\n li t0, {immediate}\n sub a0, a0, t0\n ori a0, a0, 1\n"
    return f"""
        {before} mv {fresh}, {fresh}\n .option push\n .option {"rvc" if row.size == 2 else "norvc"}
        {spelled(row, immediate)}
        .option pop
        li a3, 1
        {after}
    1:  sd a2, (s2)
        sd sp, 8(s2)
        sd a3, 16(s2)
        addi s2, s2, 24
    """


def looped(row: Instruction, fresh: str) -> tuple[str, list[tuple[int, int]]]:
    """A program that does so for all immediates and pairs of operands; those pairs."""
    pairs = SOME
    if MEANING[row.base or row.name].size:  # rs1 or sp is an address: aligned or not, near a page
        pairs = [(DATA + away, b) for away in (0, 8, -4, 1, 4093, 4096) for b in EDGES]
    body = "".join(once(row, immediate, fresh) for immediate in immediates(row))
    table = "".join(f".dword {a}, {b}\n" for a, b in pairs)
    return f"""
        la t0, 4f
        csrw mtvec, t0
        j 5f
        .align 2
    4:  csrr t0, mepc           # a misaligned access: step over it
        addi t0, t0, {row.size}
        csrw mepc, t0
        mret
    5:  li s0, {TABLE}
        li s1, {TABLE + 16 * len(pairs)}
        li s2, {OUT}
    2:  ld a0, (s0)
        ld a1, 8(s0)
        {body}
        addi s0, s0, 16
        beq s0, s1, 3f
        j 2b
    3:  j 3b
        .org {TABLE - RAM}
        {table}
    """, pairs


@pytest.mark.parametrize("fresh", ["a3", "a0", "a1"])
@pytest.mark.parametrize("row", INSIDE, ids=lambda row: row.name)
def test_an_instruction_does_the_same_on_every_engine(row, fresh):
    source, pairs = looped(row, fresh)
    options = {"misaligned": row.size == 2}  # else they trap
    kinds = ("python", "jit", "regions")
    machines = [program("jit" if kind != "python" else kind, source, **options) for kind in kinds]
    make_eager(machines[2], 53)
    for machine in machines:
        machine.memory.write(DATA - 0x1000, random.Random(2).randbytes(0x4000))
        machine.run(62 * len(pairs) * len(immediates(row)) + 200)
        assert machine.harts[0].x[9] == machine.harts[0].x[8], "it must have come to its end"
        assert differences(machines[0], machine) == []
    assert machines[2].memory.regions.count > 0
    if not row.base and MEANING[row.name].function:
        check_results(row, pairs, machines[0].memory)


def check_results(row, pairs, memory):
    """What a program stored is what the function of its instruction says."""
    meaning, chosen = MEANING[row.name], immediates(row)
    stored = np.frombuffer(memory.read(OUT, 24 * len(pairs) * len(chosen)), np.int64)
    cases = [(a, b, imm) for a, b in pairs for imm in chosen]
    for (a, b, imm), (a2, _, a3) in zip(cases, stored.reshape(-1, 3).tolist(), strict=True):
        operands = {"rs1": a, "rs2": b, "imm": imm}
        value = meaning.function(*(operands[name] for name in sources(row.name)))
        assert (a3 == 0 if meaning.kind is Kind.BRANCH else a2) == value, (a, b, imm)


@pytest.mark.parametrize(("name", "kind", "jumps", "pc_relative"), [
    ("add", Kind.COMPUTE, False, False), ("lw", Kind.LOAD, False, False),
    ("auipc", Kind.ADDRESS, False, True), ("beq", Kind.BRANCH, True, True),
    ("jal", Kind.CALL, True, True), ("jalr", Kind.INDIRECT, True, False),
    ("amoadd.w", Kind.ATOMIC, False, False), ("csrrw", Kind.SYSTEM, False, False),
    ("ecall", Kind.SYSTEM, False, False), ("sret", Kind.SYSTEM, False, False),
])  # fmt: skip
def test_what_a_translator_of_guest_code_asks(name, kind, jumps, pc_relative):
    meaning = MEANING[name]
    assert (meaning.kind, meaning.jumps, meaning.pc_relative) == (kind, jumps, pc_relative)


def test_every_row_is_covered():
    names = {row.base or row.name for row in INSIDE}
    assert names == {name for name, m in MEANING.items() if name in BY_NAME and m.kind not in (
        Kind.ATOMIC, Kind.SYSTEM)}  # fmt: skip
