"""The assembler: the same bytes as clang's, clear errors, ELF files that others can read."""

import io
import random
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from minihv.asm import assemble, caret
from minihv.asm.constants import load_constant
from minihv.asm.disassembler import disassemble_range
from minihv.asm.pseudo import PSEUDOS
from minihv.errors import AssemblyError, MinihvError
from minihv.hw import registers
from minihv.hw.bits import i64
from minihv.hw.isa import BY_NAME, INSTRUCTIONS
from tests.asm import lines
from tests.hw import zig
from tests.hw.peers import CLANG, knows

BOTH = pytest.mark.parametrize("compress", [False, True], ids=["rv64ima", "rv64imac"])


def _same(source: str, folder: Path, compress: bool) -> None:
    """Compares byte for byte and names the first line that differs."""
    program = assemble(source, zig.ORIGIN, compress=compress)
    theirs = zig.image(source, folder, compress=compress)
    if program.data == theirs:
        return
    pairs = zip(program.data, theirs, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(theirs), len(program.data)))
    address = max((a for a in program.lines if a <= program.origin + at), default=program.origin)
    line = program.lines[address]
    pytest.fail(
        f"line {line}, {source.splitlines()[line - 1]!r}, at {address:#x}: "
        f"{program.data[at : at + 8].hex()} but clang has {theirs[at : at + 8].hex()}"
    )


@zig.needs_zig
@BOTH
@pytest.mark.parametrize("seed", [1, 2])
def test_every_instruction_and_pseudo_as_clang(seed: int, compress: bool, tmp_path: Path) -> None:
    source = lines.everything(seed, compressed=compress)
    for row in INSTRUCTIONS:
        assert f": {row.name}" in source or not (row.size == 4 or compress) or not knows(CLANG, row)
    for pseudo in PSEUDOS:
        assert f": {pseudo.name}" in source or pseudo.name == "unimp"
    _same(source, tmp_path, compress)


@zig.needs_zig
@BOTH
def test_directives_as_clang(compress: bool, tmp_path: Path) -> None:
    source = lines.DIRECTIVES
    if not compress:  # without C clang knows no rvc, and fills odd halves of code with zeros
        kept = (line for line in source.split("\n") if ".option" not in line)
        source = "\n".join(kept)
    _same(source, tmp_path, compress)


@zig.needs_zig
def test_compressed_forms_as_clang(tmp_path: Path) -> None:
    """Also a check of what the compressed rows stand for: clang chooses from the 32-bit text."""
    source = lines.compressible(6)
    assert len(assemble(source, compress=True).data) < 2.4 * source.count("\n")
    _same(source, tmp_path, True)


@zig.needs_zig
def test_jumps_near_the_reach_of_short_forms_as_clang(tmp_path: Path) -> None:
    """The sizes of instructions depend on each other here."""
    _same(lines.jumps(3), tmp_path, True)


@zig.needs_zig
def test_expressions_as_clang(tmp_path: Path) -> None:
    _same(lines.expressions(4), tmp_path, False)


@zig.needs_zig
def test_csr_names_as_clang(tmp_path: Path) -> None:
    source = "".join(f"csrr a0, {name}\n" for name in registers.NUMBER)
    _same(source, tmp_path, False)


def _constants() -> list[int]:
    """Constants of every shape that li's recipe distinguishes."""
    chosen = random.Random(5)
    values = {(1 << i) + d for i in range(64) for d in range(-3, 4)}
    values |= {0x7FFFF800 + d for d in range(-3, 4)} | {(1 << i) * 0x1800 for i in range(50)}
    for _ in range(700):
        bits, shift = chosen.randrange(1, 65), chosen.randrange(64)
        values.add(chosen.getrandbits(bits) << shift)
        values.add(chosen.getrandbits(64) | (1 << shift) - 1)
        values.add(~chosen.getrandbits(bits))
        values.add(chosen.getrandbits(12) << shift | chosen.getrandbits(12))
    return sorted({i64(value) for value in values} | {i64(-value) for value in values})


@zig.needs_zig
@BOTH
def test_constants_as_clang(compress: bool, tmp_path: Path) -> None:
    _same("".join(f"li a0, {value}\n" for value in _constants()), tmp_path, compress)


def _run(steps: list[tuple[str, int]]) -> int:
    """What li's steps leave in the register."""
    value = 0
    for name, immediate in steps:
        match name:
            case "lui":
                value = (immediate << 12 ^ 1 << 31) - (1 << 31)
            case "addi":
                value = i64(value + immediate)
            case "addiw":
                value = (value + immediate + (1 << 31) & (1 << 32) - 1) - (1 << 31)
            case "slli":
                value = i64(value << immediate)
            case "srli":
                value = (value & (1 << 64) - 1) >> immediate
            case "xori":
                value ^= immediate
    return value


@settings(deadline=None)
@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_li_loads_the_constant(value: int) -> None:
    steps = load_constant(value)
    assert i64(_run(steps)) == value
    assert 1 <= len(steps) <= 8


def test_li_of_known_constants() -> None:
    """Lengths that the usual assemblers reach."""
    for value, count in (
        (0, 1), (-1, 1), (2047, 1), (2048, 2), (0x1000, 1), (0x7FFFFFFF, 2), (1 << 31, 2),
        (0xFFFFFFFF, 2), (1 << 63, 2), ((1 << 63) - 1, 2), (0x80000000_00000001, 3),
        (0x10000000, 1), (0xDEADBEEF, 3), (0x123456789ABCDEF0, 8), (0x00FF00FF00FF00FF, 6),
    ):  # fmt: skip
        assert len(load_constant(i64(value))) <= count, hex(value)


def words(source: str, **options: bool) -> list[int]:
    data = assemble(source, **options).data
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def test_symbols_lines_and_entry() -> None:
    program = assemble(
        ".equ five, 5\nnop\n_start: main: li a0, 0x12345678\n.data\nx: .word 1, 2\n y: .byte 3",
        0x1000,
    )
    assert program.origin == 0x1000 and program.entry == 0x1004
    labels = {"_start": 0x1004, "main": 0x1004, "x": 0x1010, "y": 0x1018}
    assert program.symbols == labels | {"five": 5}
    assert program.lines == {0x1000: 2, 0x1004: 3, 0x1008: 3, 0x1010: 5, 0x1018: 6}
    assert [section.address for section in program.sections[:3]] == [0x1000, 0x100C, 0x1010]
    assert len(program.data) == 0x19


def test_words_of_the_manual() -> None:
    """Encodings worked out by hand from the manual's formats."""
    source = "addi a0, a1, -1\nsd ra, 8(sp)\nlui t0, 0x80000\nbeq x1, x2, .-4\njal zero, . + 2048"
    assert words(source) == [0xFFF58513, 0x00113423, 0x800002B7, 0xFE208EE3, 0x0010006F]


def test_numeric_labels_pick_the_nearest() -> None:
    program = assemble("1: j 1f\n1: j 1b\nj 1f\n1: nop")
    texts = [line.text for line in disassemble_range(program.data, program.origin)]
    assert texts == ["j 0x80000004", "j 0x80000004", "j 0x8000000c", "nop"]


def test_li_may_use_labels_further_down() -> None:
    program = assemble("li a0, end - start\n.data\nstart: .space 5000\nend:")
    texts = [line.text for line in disassemble_range(program.data[:8], program.origin)]
    assert texts == ["lui a0, 0x1", "addi a0, a0, 904"]
    source = '.equ size, end - start\nli a0, size\n.data\nstart: .ascii "four"\nend:'
    assert words(source)[0] == 0x00400513


def test_sections_lie_one_behind_the_other() -> None:
    program = assemble(
        ".bss\nb: .zero 4\n.data\nd: .byte 1\n.rodata\nr: .byte 2\n.text\nt: nop\n"
        ".section .mine\nm: .byte 3\n.section .text.more\nu: nop"
    )
    order = sorted(program.symbols, key=lambda name: program.symbols[name])
    assert "".join(order) == "turdmb"
    assert program.symbols["u"] == program.symbols["t"] + 4
    assert program.data == b"\x13\0\0\0" * 2 + b"\2".ljust(8, b"\0") + b"\1".ljust(8, b"\0") + (
        b"\3".ljust(8, b"\0") + bytes(4)
    )


def test_explicit_short_instructions_need_no_option() -> None:
    assert assemble("c.addi sp, -16\nc.nop\nc.ebreak").data.hex() == "411101000290"
    assert assemble("addi sp, sp, -16").data.hex() == "130101ff"
    assert assemble("addi sp, sp, -16", compress=True).data.hex() == "4111"


@zig.needs_zig
def test_elf_as_the_linker_writes_it(tmp_path: Path) -> None:
    """Loaded bytes, entry and symbols equal those of clang's and lld's file."""
    ours = ELFFile(io.BytesIO(assemble(lines.DIRECTIVES, compress=True).elf()))
    theirs = ELFFile(io.BytesIO(zig.elf(lines.DIRECTIVES, tmp_path, compress=True)))
    assert ours["e_entry"] == theirs["e_entry"] and ours["e_machine"] == theirs["e_machine"]
    assert ours["e_flags"] == theirs["e_flags"]
    symbols = [
        {s.name: (s["st_value"], s["st_info"]["bind"]) for s in file.get_section_by_name(
            ".symtab").iter_symbols() if s.name and s["st_info"]["type"] != "STT_FILE"}
        for file in (ours, theirs)
    ]  # fmt: skip
    theirs_only = set(symbols[1]) - set(symbols[0])
    assert all(name.startswith(("$", ".L")) for name in theirs_only), theirs_only
    assert symbols[0].items() <= symbols[1].items() or symbols[0] == symbols[1]
    for name in (".text", ".rodata", ".data", ".bss"):
        a, b = ours.get_section_by_name(name), theirs.get_section_by_name(name)
        assert (a["sh_addr"], a["sh_size"], a["sh_type"], a.data()) == (
            b["sh_addr"], b["sh_size"], b["sh_type"], b.data())  # fmt: skip


def test_elf_loads_to_the_same_bytes() -> None:
    program = assemble("nop\n.globl x\nx: ret\ny: nop\n.data\n.word 1\n.bss\n.zero 100", 0x80200000)
    file = ELFFile(io.BytesIO(program.elf()))
    (segment,) = file.iter_segments()
    assert segment["p_paddr"] == segment["p_vaddr"] == 0x80200000
    assert segment["p_memsz"] == len(program.data)
    assert segment.data().ljust(segment["p_memsz"], b"\0") == program.data
    assert segment["p_filesz"] < len(program.data) - 99
    assert (segment["p_offset"] - segment["p_vaddr"]) % segment["p_align"] == 0
    assert file["e_entry"] == 0x80200000
    table = file.get_section_by_name(".symtab")
    binds = [symbol["st_info"]["bind"] for symbol in table.iter_symbols()]
    assert binds == ["STB_LOCAL"] * table["sh_info"] + ["STB_GLOBAL"]  # locals stand first
    (x,) = table.get_symbol_by_name("x")
    assert x["st_info"]["bind"] == "STB_GLOBAL" and x["st_value"] == 0x80200004


# Source, line, column, and what the message must say.
ERRORS = [
    ("nop\n addd a0, a1", 2, 2, "unknown instruction 'addd'; did you mean add"),
    ("fadd.s f0, f1, f2", 1, 1, "unknown instruction 'fadd.s'"),
    ("addi a0, a1, 5000", 1, 14, "5000 does not fit: addi takes -2048..2047 (li loads any"),
    ("addi a0, a1, 0xfff", 1, 14, "4095 does not fit"),
    ("lw a0, 2048(a1)", 1, 8, "lw takes -2048..2047"),
    ("slli a0, a0, 64", 1, 14, "slli takes 0..63"),
    ("slliw a0, a0, 32", 1, 15, "slliw takes 0..31"),
    ("csrwi mstatus, 32", 1, 16, "takes 0..31"),
    ("lui a0, 0x100000", 1, 9, "0..0xfffff"),
    ("lui a0, -1", 1, 9, "0..0xfffff"),
    ("c.lui a0, 0x20", 1, 11, "1..0x1f or 0xfffe0..0xfffff"),
    ("c.lui sp, 3", 1, 1, "this is c.addi16sp"),
    ("c.lw a0, 3(a1)", 1, 10, "c.lw takes 0..124 in steps of 4"),
    ("c.lw t0, 0(a0)", 1, 6, "reaches only s0, s1 and a0..a5"),
    ("c.addi16sp a0, 16", 1, 12, "works on sp only"),
    ("c.addi4spn a0, sp, 0", 1, 1, "reserved"),
    ("addi a0, a8, 1", 1, 10, "operand 2 of addi must be a register"),
    ("add a0, a1", 1, 1, "write add rd, rs1, rs2"),
    ("add a0, , a1", 1, 9, "an operand is missing"),
    (".word 1, ", 1, 9, "an operand is missing"),
    ("lw a0, a1", 1, 8, "must be imm(rs1)"),
    ("lb a0 5(a1)", 1, 7, "is a comma or an operator missing?"),
    ("amoadd.w a0, a1, 4(a2)", 1, 18, "without an offset"),
    ("fence q, r", 1, 7, "i, o, r, w"),
    ("csrr a0, mstatu", 1, 10, "unknown CSR 'mstatu'; did you mean mstatus"),
    ("csrr a0, 4096", 1, 10, "takes 0..4095"),
    ("\tj lop\nloop:", 1, 4, "undefined label 'lop'; did you mean loop?"),
    (".word missing + 1", 1, 7, "undefined label 'missing'"),
    ("la a0, missing", 1, 8, "undefined label 'missing'"),
    ("beq a0, a1, far\n.space 5000\nfar:", 1, 13, "reaches -4096..4094: branch the other way"),
    ("jal far\n.space 1 << 21\nfar:", 1, 5, "use call or tail"),
    ("c.beqz a0, far\n.space 300\nfar:", 1, 12, "reaches -256..254"),
    ("j . + 3", 1, 5, "odd distance"),
    ("lui a0, %hi(x)\nx:", 1, 13, "use la, or %pcrel_hi"),
    ("la a0, x\n.equ x, 1 << 40", 1, 8, "more than 2 GiB away"),
    ("x: addi a0, a0, %pcrel_lo(x)", 1, 27, "the label of an auipc"),
    ("j 1b", 1, 3, "no label 1: comes before"),
    ("1: j 1f", 1, 6, "no label 1: comes after"),
    ("x: nop\n x: nop", 2, 2, "already defined on line 1"),
    (".equ x, 1\nx:", 2, 1, "already defined by .set"),
    ("x:\n.equ x, 1", 2, 6, "already a label on line 1"),
    (".foo 1", 1, 1, "unknown directive '.foo'"),
    (".algin 2", 1, 1, "did you mean .align"),
    (".byte 256", 1, 7, "does not fit in 8 bits"),
    (".word -0x80000001", 1, 7, "does not fit in 32 bits"),
    (".dword 1 << 64", 1, 10, "not within 0..63"),
    (".dword 0x10000000000000000", 1, 8, "does not fit in 64 bits"),
    (".dword 089", 1, 8, "octal"),
    (".dword 1 / (2 - 2)", 1, 10, "division by zero"),
    (".dword (1 + 2", 1, 8, "has no closing )"),
    (".dword 1 +", 1, 11, "the expression ends here"),
    (".dword 'ab'", 1, 8, "cannot read \"'ab'\""),
    (".asciz x", 1, 8, "a string in double quotes"),
    ('.asciz "\\q"', 1, 9, "unknown escape \\q"),
    (".align 40", 1, 8, "power of two, 0..16"),
    (".balign 3", 1, 9, "a power of two"),
    (".align x", 1, 8, "must be a number"),
    (".space -1", 1, 8, "negative"),
    (".space 1 << 40", 0, 0, "more than 268435456"),
    ("x: .space y - x + 1\ny:", 0, 0, "never settle"),
    (".zero 8\n.org 4", 2, 6, ".org cannot move back: .text is 0x8 bytes long"),
    (".option rcv", 1, 9, "unknown option 'rcv'"),
    (".option pop", 1, 9, "without a .option push"),
    (".bss\n .word 1", 2, 2, ".bss holds only zeros"),
    (".byte 1\n nop", 2, 2, "odd address; put .align 2"),
    ("nop\n  /* open", 2, 3, "this /* comment is never closed"),
    ("li a0", 1, 1, "li has 1 operands here; write li rd, imm"),
]


@pytest.mark.parametrize(("source", "line", "column", "message"), ERRORS)
def test_errors_name_place_and_remedy(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, MinihvError)


def test_the_caret_points_at_the_column() -> None:
    source = "nop\n\taddi a0, a8, 1"
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    line, mark, message = caret(caught.value, source).split("\n")
    assert line == "\taddi a0, a8, 1"
    assert mark.index("^") == line.index("a8") and mark[0] == "\t"
    assert message.startswith("line 2, column 11: operand 2")


_TEXT = st.text(alphabet="abj10x():,.;+-*/%\"'#\n\t ~<>=@é", max_size=40)
_WORDS = st.lists(st.sampled_from([
    "addi", "a0", ",", "(", ")", "x:", "1:", "1b", "1f", "x", "%lo", "%hi", "%pcrel_hi", ".word",
    ".align", ".org", ".space", ".set", ".equ", ".option", "rvc", "li", "la", "call", "lw", "csrr",
    "-", "+", "/", "0", "5", "1 << 20", "\n", ";", "'a'", '"b"', ".section", ".data", ".bss", ".",
    "c.addi", "fence", "rw", "/*", "*/", "=", "beqz", "j", "amoadd.w.aq", "sp", ".fill", "push",
]), max_size=14).map(" ".join)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(_TEXT, _WORDS), st.booleans())
def test_any_text_assembles_or_has_one_clear_error(source: str, compress: bool) -> None:
    try:
        program = assemble(source, compress=compress)
    except AssemblyError as error:
        assert "\n" not in error.args[0]
        assert 0 <= error.line <= source.count("\n") + 1
    else:
        assert program.elf()[:4] == b"\x7fELF"
        assert len(program.data) < 1 << 28


def test_every_name_is_reached() -> None:
    """The first form of a mnemonic never hides another of the same kinds of operands."""
    assert {pseudo.name for pseudo in PSEUDOS if pseudo.name in BY_NAME} == {
        "jal", "jalr", "fence", "sfence.vma", "hfence.vvma", "hfence.gvma",
        "lb", "lh", "lw", "ld", "lbu", "lhu", "lwu",
        "sb", "sh", "sw", "sd", "add", "slt", "sltu", "xor", "or", "and", "sll", "srl", "sra",
        "addw", "sllw", "srlw", "sraw", "csrrw", "csrrs", "csrrc",
    }  # fmt: skip
