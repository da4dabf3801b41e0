"""The disassembler: the same text as Capstone's, and text that assembles to the same word."""

import random
import re
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

import minihv
from minihv.asm import assemble
from minihv.asm.disassembler import Line, branch_target, disassemble, disassemble_range
from minihv.asm.operands import REGISTER_NUMBER, encode, extract_all, hidden_fields
from minihv.hw import registers
from minihv.hw.isa import BY_NAME, INSTRUCTIONS, Instruction, decode, length
from tests.hw.peers import CAPSTONE, HINT, rows
from tests.hw.test_isa import peer


def _random_words(row: Instruction, count: int) -> list[int]:
    """Words of `row`, often with register or immediate fields all 0 or 1: these have aliases."""
    chosen = random.Random(row.name)
    words = []
    for i in range(count):
        word = chosen.getrandbits(32)
        for divisor, cleared in ((3, 31 << 15), (5, 31 << 7), (7, 0xFFF << 20), (4, 31 << 20)):
            word &= ~cleared if i % divisor == 0 else -1
        word |= 0xFFF << 20 if i % 11 == 0 else 0
        words.append((word & ~row.mask | row.match) & (1 << 8 * row.size) - 1)
    return [word for word in words if decode(word) is row]


def _normal(text: str) -> tuple[str, ...]:
    """Mnemonic and operands with numbers in one notation, unsigned 64-bit."""
    mnemonic, *operands = (part for part in re.split(r"[ ,()]+", text) if part)
    return mnemonic, *map(_number, operands)


def _number(text: str) -> str:
    if text in registers.NUMBER:
        return str(registers.NUMBER[text])
    try:
        return str(int(text, 0) & (1 << 64) - 1)
    except ValueError:
        return text


def _accepted(row: Instruction, ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    """Why the texts may differ; empty if they may not. GNU objdump agrees with the first two."""
    if ours[0] == "li" and theirs[0] in ("addi", "mv"):
        rest = theirs[1:] if theirs[0] == "addi" else (*theirs[1:], "0")
        return "Capstone knows no li" if (ours[1], "zero", ours[2]) == rest else ""
    if row.name == "jalr" and len(theirs) == 4 and len(ours) == 4:
        same = (*ours[:2], ours[3], ours[2]) == theirs
        return "jalr is written offset(register)" if same else ""
    if row.name == "fence" and "unknown" in theirs:
        same = ours == tuple("0" if part == "unknown" else part for part in theirs)
        return "an empty set is written 0, as pause's definition writes it" if same else ""
    if row.name == "c.nop" and theirs == ("c.nop",):
        return "Capstone hides a HINT's immediate"
    if row.name.startswith("csrr") and len(ours) == len(theirs):
        names = [b for a, b in zip(ours, theirs, strict=True) if a != b]
        return "a CSR that the table does not have" if names and all(
            re.fullmatch(r"[a-z]\w+", name) for name in names
        ) else ""  # fmt: skip
    if row.name.startswith("csrr") and theirs[0].startswith(("fr", "fs")):
        return "frflags, fsrm ... come with the F extension"
    if row.name == "csrrs" and theirs[0] in ("rdcycleh", "rdtimeh", "rdinstreth"):
        return "a CSR of RV32 alone"
    return ""


@pytest.mark.parametrize("row", rows(CAPSTONE))
def test_same_text_as_capstone(row: Instruction) -> None:
    """Capstone shows aliases of 32-bit instructions, but compressed ones under c. names."""
    compared = 0
    for word in _random_words(row, 400):
        found = list(peer().disasm_lite(word.to_bytes(row.size, "little"), 0))
        if not found:
            continue  # HINTs and reserved fields of fence: test_isa checks who calls what legal
        text = disassemble(word, 0, aliases=row.size == 4)
        ours, theirs = _normal(text), _normal(" ".join(found[0][2:]))
        if ours != theirs:
            assert _accepted(row, ours, theirs), f"{word:#010x} is {text}, Capstone: {found[0][2:]}"
        compared += 1
    assert compared, HINT


def test_aliases_of_the_handbook() -> None:
    """Tables 25.2 and 25.3, one word each, as an encoding by the plain table row."""
    cases = {
        "nop": ("addi", {}),
        "li a0, -5": ("addi", {"rd": 10, "imm": -5}),
        "mv a0, a1": ("addi", {"rd": 10, "rs1": 11}),
        "not a0, a1": ("xori", {"rd": 10, "rs1": 11, "imm": -1}),
        "neg a0, a1": ("sub", {"rd": 10, "rs2": 11}),
        "negw a0, a1": ("subw", {"rd": 10, "rs2": 11}),
        "sext.w a0, a1": ("addiw", {"rd": 10, "rs1": 11}),
        "seqz a0, a1": ("sltiu", {"rd": 10, "rs1": 11, "imm": 1}),
        "snez a0, a1": ("sltu", {"rd": 10, "rs2": 11}),
        "sltz a0, a1": ("slt", {"rd": 10, "rs1": 11}),
        "sgtz a0, a1": ("slt", {"rd": 10, "rs2": 11}),
        "beqz a0, 0x1010": ("beq", {"rs1": 10, "imm": 16}),
        "bnez a0, 0xff0": ("bne", {"rs1": 10, "imm": -16}),
        "blez a0, 0x1010": ("bge", {"rs2": 10, "imm": 16}),
        "bgez a0, 0x1010": ("bge", {"rs1": 10, "imm": 16}),
        "bltz a0, 0x1010": ("blt", {"rs1": 10, "imm": 16}),
        "bgtz a0, 0x1010": ("blt", {"rs2": 10, "imm": 16}),
        "j 0x2000": ("jal", {"imm": 4096}),
        "jal 0x2000": ("jal", {"rd": 1, "imm": 4096}),
        "jal t0, 0x2000": ("jal", {"rd": 5, "imm": 4096}),
        "jr a0": ("jalr", {"rs1": 10}),
        "jalr a0": ("jalr", {"rd": 1, "rs1": 10}),
        "jalr ra, 4(a0)": ("jalr", {"rd": 1, "rs1": 10, "imm": 4}),
        "ret": ("jalr", {"rs1": 1}),
        "rdcycle a0": ("csrrs", {"rd": 10, "csr": 0xC00}),
        "rdtime a0": ("csrrs", {"rd": 10, "csr": 0xC01}),
        "rdinstret a0": ("csrrs", {"rd": 10, "csr": 0xC02}),
        "csrr a0, satp": ("csrrs", {"rd": 10, "csr": 0x180}),
        "csrw satp, a0": ("csrrw", {"rs1": 10, "csr": 0x180}),
        "csrs mie, a0": ("csrrs", {"rs1": 10, "csr": 0x304}),
        "csrc mie, a0": ("csrrc", {"rs1": 10, "csr": 0x304}),
        "csrwi mie, 5": ("csrrwi", {"zimm": 5, "csr": 0x304}),
        "csrsi mie, 5": ("csrrsi", {"zimm": 5, "csr": 0x304}),
        "csrci mie, 5": ("csrrci", {"zimm": 5, "csr": 0x304}),
        "csrrw a0, 0x7c0, a1": ("csrrw", {"rd": 10, "csr": 0x7C0, "rs1": 11}),
        "fence": ("fence", {"pred": 15, "succ": 15}),
        "fence.tso": ("fence", {"pred": 3, "succ": 3, "fm": 8}),
        "fence rw, w": ("fence", {"pred": 3, "succ": 1}),
        "fence iorw, iorw": ("fence", {"pred": 15, "succ": 15, "fm": 8}),
        "fence w, 0": ("fence", {"pred": 1, "rd": 1}),
        "pause": ("fence", {"pred": 1}),
        "sfence.vma": ("sfence.vma", {}),
        "sfence.vma a0": ("sfence.vma", {"rs1": 10}),
        "unimp": ("csrrw", {"csr": 0xC00}),
        "lui a0, 0xfffff": ("lui", {"rd": 10, "imm": -4096}),
        "amoswap.d.aqrl a0, a1, (a2)": (
            "amoswap.d", {"rd": 10, "rs2": 11, "rs1": 12, "aq": 1, "rl": 1}),
    }  # fmt: skip
    for text, (name, values) in cases.items():
        assert disassemble(encode(BY_NAME[name], values), 0x1000) == text


def test_compressed_ones_are_shown_as_what_they_stand_for() -> None:
    """The default is objdump's; without aliases the c. name is shown."""
    for word, expanded, short in (
        (0x1141, "addi sp, sp, -16", "c.addi sp, -16"),
        (0x7139, "addi sp, sp, -64", "c.addi16sp sp, -64"),
        (0x0800, "addi s0, sp, 16", "c.addi4spn s0, sp, 16"),
        (0xE406, "sd ra, 8(sp)", "c.sdsp ra, 8(sp)"),
        (0x8082, "ret", "c.jr ra"),
        (0x852E, "mv a0, a1", "c.mv a0, a1"),
        (0x4501, "li a0, 0", "c.li a0, 0"),
        (0x6505, "lui a0, 0x1", "c.lui a0, 0x1"),
        (0x0001, "nop", "c.nop"),
        (0xA001, "j 0x40", "c.j 0x40"),
        (0xC501, "beqz a0, 0x48", "c.beqz a0, 0x48"),
    ):
        assert disassemble(word, 0x40) == expanded
        assert disassemble(word, 0x40, aliases=False) == short
    assert disassemble(0x00B00533) == "add a0, zero, a1"  # only c.mv is an add shown as mv


def test_illegal_words() -> None:
    assert disassemble(0) == ".half 0x0000"
    assert disassemble(0xFFFFFFFF) == ".word 0xffffffff"
    assert disassemble(0x00000057) == ".word 0x00000057"
    assert disassemble(0x2000) == ".half 0x2000"  # c.fld: no D extension yet


_WITH_ALIASES = [(row, True) for row in INSTRUCTIONS if row.size == 4]  # no c. name otherwise


@pytest.mark.parametrize(
    ("row", "aliases"), [*_WITH_ALIASES, *((row, False) for row in INSTRUCTIONS)]
)
def test_text_assembles_to_the_same_word(row: Instruction, aliases: bool) -> None:
    """Save fields that the text cannot show."""
    hidden = [name for name in hidden_fields(row) if row.name != "fence" or name != "fm"]
    words = []
    for word in _random_words(row, 60):
        values = extract_all(row, word)
        if not any(values[name] for name in hidden) and values.get("fm", 0) in (0, 8):
            words.append(word)
    if row.name == "fence":  # of fm = 8 the text shows fence.tso only
        words = [word for word in words if not word >> 28] + [0x8330000F]
        words = words if aliases else [word for word in words if not word >> 28]
    if row.name == "fence.i":
        words = [0x100F]
    origin = 0x80000000
    texts = [disassemble(w, origin + i * row.size, aliases=aliases) for i, w in enumerate(words)]
    data = assemble("\n".join(texts), origin).data
    assert data == b"".join(word.to_bytes(row.size, "little") for word in words)


GUESTS = sorted((Path(minihv.__file__).parent / "guests" / "bin").glob("*.elf"))


@pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.stem)
def test_compiled_guests_survive_text(guest: Path) -> None:
    """What a C compiler built: all its code disassembles, and assembles to the same bytes."""
    with guest.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        data, origin = section.data(), section["sh_addr"]
    lines = list(disassemble_range(data, origin))
    assert {line.text for line in lines if line.text[0] == "."} <= {".half 0x0000"}  # c.unimp
    plain = (disassemble(line.word, line.pc, aliases=False) for line in lines)
    assert assemble("\n".join(plain), origin).data == data


def test_a_listing_names_what_it_refers_to() -> None:
    program = assemble("""
    start:  la a0, text
            lw a1, number + 4
            call start
            jal end
            beqz a0, end + 2
            .option rvc
            j start
    end:    ret
    text:   .ascii "abc"
    number: .word 1, 2
    """)
    code = program.data[: program.symbols["text"] - program.origin]
    lines = list(disassemble_range(code, program.origin, program.symbols))
    named = [line.text for line in lines if "<" in line.text]
    assert named == [
        "addi a0, a0, 36 <text>",
        "lw a1, 35(a1) <number+0x4>",
        "jalr ra, -16(ra) <start>",
        "jal 0x80000022 <end>",
        "beqz a0, 0x80000024 <text>",
        "j 0x80000000 <start>",
    ]
    assert [line.pc for line in lines[:3]] == [0x80000000, 0x80000004, 0x80000008]
    assert lines[0].text == "auipc a0, 0x0"


def test_a_cut_off_end() -> None:
    data = bytes.fromhex("13000000 0100 1305")
    assert list(disassemble_range(data, 0x100)) == [
        Line(0x100, 0x13, 4, "nop"),
        Line(0x104, 1, 2, "nop"),
        Line(0x106, 0x0513, 2, ".half 0x0513"),
    ]
    assert [line.text for line in disassemble_range(b"\x01\x00\x07", 0)] == ["nop", ".byte 0x07"]
    assert list(disassemble_range(b"", 0)) == []


def test_random_bytes_are_covered_without_gaps() -> None:
    data = random.Random(7).randbytes(20_000)
    at = 0x1000
    for line in disassemble_range(data, 0x1000, {"a": 0x1100}):
        assert line.pc == at
        assert line.word == int.from_bytes(data[at - 0x1000 :][: line.size], "little")
        at += line.size
    assert at == 0x1000 + len(data)


def test_branch_targets() -> None:
    assert branch_target(0xFE051EE3, 0x80000010) == 0x8000000C
    assert branch_target(0x0000006F, 0) == 0
    assert branch_target(0xBFFD, 0) == (1 << 64) - 2  # c.j -2 wraps below address 0
    assert branch_target(0x00008067, 0) is None
    assert branch_target(0, 0) is None


def test_capstone_agrees_on_register_names() -> None:
    for number in range(32):
        word = encode(BY_NAME["add"], {"rd": number})
        ((_, _, _, operands),) = peer().disasm_lite(word.to_bytes(4, "little"), 0)
        assert REGISTER_NUMBER[operands.split(",")[0]] == number
        assert length(word) == 4
