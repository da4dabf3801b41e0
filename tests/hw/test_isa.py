"""The encoding table: every row both ways, and the same legal words as Capstone's."""

import itertools
import random
from functools import cache

import capstone
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minihv.asm.operands import (
    REGISTER_FIELDS,
    compress,
    encode,
    expand,
    extract_all,
    is_hint,
    limits,
)
from minihv.hw import causes, registers
from minihv.hw.isa import BY_NAME, INSTRUCTIONS, Instruction, decode, length
from tests.hw.peers import CAPSTONE, HINT, knows

# Words that belong to the narrower row although the wider one's fields fit too.
_NARROWER = {("c.addi", "rd", 0), ("c.lui", "rd", 2)}


def _legal(row: Instruction, values: dict[str, int]) -> bool:
    if any(values[name] == bad for name, bad in row.excluded.items()):
        return False
    return not any((row.name, name, value) in _NARROWER for name, value in values.items())


def _field_values(row: Instruction, name: str) -> st.SearchStrategy[int]:
    if name in REGISTER_FIELDS:
        return st.integers(8, 15) if name.endswith("'") else st.integers(0, 31)
    return st.sampled_from(limits(row, name))


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.name)
def test_round_trip(row: Instruction) -> None:
    fields = st.fixed_dictionaries({name: _field_values(row, name) for name in row.fields})

    @settings(max_examples=40, deadline=None)
    @given(fields.filter(lambda values: _legal(row, values)))
    def check(values: dict[str, int]) -> None:
        word = encode(row, values)
        assert word < 1 << 8 * row.size
        assert length(word) == row.size
        assert decode(word) is row
        assert extract_all(row, word) == values

    check()


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.name)
def test_every_bit_belongs_to_one_thing(row: Instruction) -> None:
    """Fixed bits and the pieces of fields cover the word once; a field's bits are distinct."""
    taken = row.mask
    for pieces in row.fields.values():
        targets = 0
        for piece in pieces:
            bits = (1 << piece.width) - 1 << piece.source
            assert not taken & bits
            taken |= bits
            bits = (1 << piece.width) - 1 << piece.target
            assert not targets & bits
            targets |= bits
    assert taken == (1 << 8 * row.size) - 1
    assert row.match & ~row.mask == 0


def test_where_rows_overlap_the_narrower_stands_first() -> None:
    for first, second in itertools.combinations(INSTRUCTIONS, 2):
        if first.size == second.size and not (first.match ^ second.match) & first.mask & (
            second.mask
        ):
            # c.jr, c.mv, c.ebreak ... are told apart by what they exclude
            if any((first.excluded, second.excluded)):
                continue
            assert first.mask & second.mask == second.mask, (first.name, second.name)


def test_values_that_do_not_fit_are_refused() -> None:
    for name, values in {
        "addi": {"imm": 2048}, "lui": {"imm": 5}, "slli": {"uimm": 64}, "slliw": {"uimm": 32},
        "jal": {"imm": 3}, "c.lw": {"uimm": 2}, "c.sub": {"rd'": 7}, "add": {"rd": 32},
        "c.addi4spn": {"uimm": 0}, "c.jr": {"rs1": 0}, "c.lui": {"rd": 1, "imm": 0},
    }.items():  # fmt: skip
        with pytest.raises(ValueError):
            encode(BY_NAME[name], values)


@pytest.mark.parametrize("mnemonic", [row.name for row in INSTRUCTIONS if row.base])
def test_compressing_the_expansion_gives_the_word_back(mnemonic: str) -> None:
    """For all words of a compressed row; HINTs are never chosen."""
    row = BY_NAME[mnemonic]
    for word in (word for word in range(1 << 16) if decode(word) is row):
        base, values = expand(row, word)
        short = compress(base, values)
        if is_hint(row, extract_all(row, word)):
            assert short != word
            continue
        assert short is not None
        again, same = expand(decode(short), short)
        assert (again.name, same) == (base.name, values)


def capstone_name(word: int) -> str | None:
    """Capstone's mnemonic for `word`, None where it has none."""
    data = word.to_bytes(length(word), "little")
    return next((name for _, _, name, _ in peer().disasm_lite(data, 0)), None)


@cache
def peer() -> capstone.Cs:
    """Capstone's disassembler for RV64GC."""
    mode = capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC
    return capstone.Cs(capstone.CS_ARCH_RISCV, mode)


def _halfword_reason(word: int, row: Instruction | None, theirs: str | None) -> str:
    """Why Capstone and the table may differ about a halfword; empty if they may not."""
    if row is None and theirs == "c.unimp":
        return "0x0000 is defined illegal (section 26.8); Capstone gives it a name"
    if row is None and theirs in ("c.fld", "c.fsd", "c.fldsp", "c.fsdsp"):
        return "the D extension, which the table does not have yet"
    if row is None and theirs == "c.lui" and word & 0x107C == 0:
        return "c.lui with immediate 0 is reserved; Capstone shows it"
    if row and theirs is None and is_hint(row, extract_all(row, word)):
        return "a HINT executes as a nop; Capstone refuses most HINTs"
    return ""


def test_every_halfword_againstpeer() -> None:
    reasons: dict[str, int] = {}
    for word in range(1 << 16):
        if length(word) != 2:
            continue
        row, theirs = decode(word), capstone_name(word)
        if (row and row.name) == theirs:
            continue
        reason = _halfword_reason(word, row, theirs)
        assert reason, f"{word:#06x} is {row and row.name}, Capstone says {theirs}"
        reasons[reason[:12]] = reasons.get(reason[:12], 0) + 1
    assert reasons == {"0x0000 is de": 1, "the D extens": 8192, "c.lui with i": 30,
                       "a HINT execu": 64 + 32 + 64 + 63 + 31 + 31}  # fmt: skip


def _words() -> list[int]:
    """Random words, words of every row, and those with one bit turned."""
    chosen = random.Random(2)
    words = [chosen.getrandbits(32) | 3 for _ in range(30_000)]
    for row in (row for row in INSTRUCTIONS if row.size == 4):
        for _ in range(100):
            word = chosen.getrandbits(32) & ~row.mask | row.match
            words += [word, word ^ 1 << chosen.randrange(2, 32)]
        words += [row.match ^ 1 << bit for bit in range(2, 32)]
    return [word for word in words if word & 31 != 31]  # longer than 32 bits


def _word_reason(word: int, row: Instruction | None, theirs: str | None) -> str:
    if row is None and theirs and theirs.startswith("f") and not theirs.startswith("fence"):
        return "the F and D extensions, which the table does not have yet"
    if row is None and theirs == "uret":
        return "uret is of the N extension, which was dropped"
    if row and theirs is None and row.name == "fence" and (word >> 28 or word & 0xF8F80):
        return "reserved fields of fence are ignored (section 2.7)"
    if row and theirs is None and row.name == "fence.i" and word != 0x100F:
        return "unused fields of fence.i are ignored (chapter 5)"
    if row and theirs is None and not knows(CAPSTONE, row):
        return "an extension that Capstone does not have"
    return ""


def test_the_same_words_are_legal_as_inpeer() -> None:
    used = set()
    for word in _words():
        row, theirs = decode(word), capstone_name(word)
        if (row is None) == (theirs is None):
            continue
        reason = _word_reason(word, row, theirs)
        assert reason, f"{word:#010x} is {row and row.name}, Capstone says {theirs}; {HINT}"
        used.add(reason)
    assert len(used) == 5


# Capstone 5 swaps two (pmpaddr<n> is 0x3b0 + n by the manual) and has one under its older name.
_CAPSTONE_CSRS = {"pmpaddr13": "pmpaddr14", "pmpaddr14": "pmpaddr13", "dscratch0": "dscratch"}


def test_csr_numbers_againstpeer() -> None:
    """Every CSR that Capstone has a name for has the same name in the table."""
    unnamed = []
    for number, name in registers.NAME.items():
        word = number << 20 | 0x00002573  # csrrs a0, csr, zero
        ((_, _, mnemonic, operands),) = peer().disasm_lite(word.to_bytes(4, "little"), 0)
        theirs = operands.split(", ")[-1]
        if mnemonic.startswith(("rd", "fr")):
            theirs = {"frflags": "fflags", "frrm": "frm", "frcsr": "fcsr"}.get(
                mnemonic, mnemonic[2:]
            )
        if theirs.isdigit():
            assert int(theirs) == number
            unnamed.append(name)
        else:
            assert theirs == _CAPSTONE_CSRS.get(name, name)
    assert len(unnamed) == 39  # newer than Capstone's list: stimecmp, menvcfg, the H extension


def test_csr_fields_do_not_overlap() -> None:
    for name, fields in registers.FIELDS.items():
        taken = 0
        for field in fields:
            bits = (1 << field.width) - 1 << field.low
            assert field.width > 0 and not taken & bits and bits < 1 << 64, (name, field.name)
            taken |= bits


def field_values(name: str, value: int) -> dict[str, int]:
    return {field.name: field.of(value) for field in registers.FIELDS[name]}


def test_csr_fields_and_causes_of_known_values() -> None:
    values = field_values("mstatus", 0x8000000A_00007888)
    assert {k for k, v in values.items() if v} == {"SD", "MPP", "MPIE", "MIE", "FS", "SXL", "UXL"}
    assert values["MPP"] == 3 and values["FS"] == 3 and values["SXL"] == values["UXL"] == 2
    satp = field_values("satp", 8 << 60 | 5 << 44 | 0x80001)
    assert satp == {"MODE": 8, "ASID": 5, "PPN": 0x80001}
    assert causes.cause_name(-(1 << 63) + 7) == "Machine timer interrupt"
    assert causes.cause_name(1 << 63 | 9) == "Supervisor external interrupt"
    assert causes.cause_name(15) == "Store/AMO page fault"
    assert causes.cause_name(14) == "Reserved exception 14"
    sstatus = {(f.name, f.low) for f in registers.FIELDS["sstatus"]}
    assert sstatus < {(f.name, f.low) for f in registers.FIELDS["mstatus"]}
