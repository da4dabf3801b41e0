"""Random instruction sequences from the encoding table, harmless enough to compare machines on.

A sequence is a list of steps: a row of the table and 64 random bits that fill its operands. What
the bits may not choose freely is put right here: loads, stores and atomics go by three base
registers that nothing else writes, jumps go to the start of a near step, and what needs company
gets it (jalr an address, sc an lr).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from minihv.hw.isa import BY_NAME, INSTRUCTIONS, Instruction
from tests.hw.peers import UNICORN, knows

SP, MISALIGNED, ALIGNED = 2, 8, 9  # the base registers: into the data, the last one 16-aligned
BASES = (SP, MISALIGNED, ALIGNED)
PLAIN_CSRS = (0x140, 0x142, 0x143, 0x340, 0x342, 0x343)  # scratch, cause and tval: any value
JUMPS = (1, 2, 3, 4, 1, 2, 0, -1)  # steps that a jump may go
LAST = ("ecall", "ebreak", "c.ebreak", "mret", "sret", "wfi")  # end a sequence
MIDDLE = [row.name for row in INSTRUCTIONS if row.name not in LAST and knows(UNICORN, row)]
SPIN = BY_NAME["jal"].match  # j .

SPECIAL = (
    *(0, 1, -1, 2, -2, 31, 32, 63, 64, 0x7FF, 0x800),
    *(0x7FFFFFFF, 0x80000000, -0x80000000, 0xFFFFFFFF, 0x100000000, -0x80000001),
    *((1 << 63) - 1, -(1 << 63), -(1 << 63) + 1, 0x5555555555555555, 0x0123456789ABCDEF),
)
VALUES = st.one_of(st.sampled_from(SPECIAL), st.integers(-(1 << 63), (1 << 63) - 1))


@dataclass(frozen=True)
class Sequence:
    """What one run starts from: register values x1..x31, where the bases point, steps, seed."""

    registers: list[int]
    bases: tuple[int, int, int]  # offsets from the middle of the data
    steps: list[tuple[str, int]]
    last: str
    seed: int


@st.composite
def sequences(draw: st.DrawFn, required: tuple[str, ...], last: str = "") -> Sequence:
    """Sequences that hold each of the `required` instructions twice, some others, and `last`."""
    others = draw(st.lists(st.sampled_from(MIDDLE), max_size=8))
    names = draw(st.permutations([*required * 2, *others]))
    near = st.integers(-16, 16)
    bits = st.integers(0, (1 << 64) - 1)
    return Sequence(
        draw(st.lists(VALUES, min_size=31, max_size=31)),
        (draw(near) * 4, draw(near), draw(near) * 16),
        [(name, draw(bits)) for name in names],
        last,
        draw(st.integers(0, 1 << 16)),
    )


def batches(size: int = 6) -> list[tuple[tuple[str, ...], str]]:
    """The whole table in parts for `sequences`: instructions for the middle, one for the end."""
    count = -(-len(MIDDLE) // size)
    parts = [tuple(MIDDLE[i::count]) for i in range(count)]
    return [(part, LAST[i] if i < len(LAST) else "") for i, part in enumerate(parts)]


@dataclass
class Layout:
    """A sequence as code: its bytes, and the row of each instruction by address."""

    address: int
    data: bytes = b""
    rows: dict[int, Instruction] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The address behind the last step, where a jump to itself lies."""
        return self.address + len(self.data) - 4

    def add(self, row: Instruction, word: int) -> None:
        """Append an instruction."""
        assert row.matches(word), f"{row.name} {word:#x}"
        self.rows[self.address + len(self.data)] = row
        self.data += word.to_bytes(row.size, "little")


def encode(name: str, **fields: int) -> tuple[Instruction, int]:
    """A row and the word with these operands; those not given are 0."""
    row = BY_NAME[name]
    word = row.match
    for key, value in fields.items():
        word |= row.insert(key.replace("_", "'"), value)
    return row, word


def assemble(sequence: Sequence, address: int) -> Layout:
    """The code of `sequence` at `address`, with a nop before and a jump to itself behind it."""
    groups = [_group(BY_NAME[name], bits) for name, bits in sequence.steps]
    starts = [0]
    for group in groups:
        starts.append(starts[-1] + sum(row.size for row, _ in group))
    layout = Layout(address)
    layout.add(*encode("c.nop"))
    for index, (group, (_, bits)) in enumerate(zip(groups, sequence.steps, strict=True)):
        goal = max(0, min(len(groups), index + JUMPS[bits >> 48 & 7]))
        for row, word in _aimed(group, starts[goal] - starts[index]):
            layout.add(row, word)
    for row, word in _ending(sequence.last, sequence.seed):
        layout.add(row, word)
    layout.data += SPIN.to_bytes(4, "little")
    return layout


def _replace(row: Instruction, word: int, name: str, value: int) -> int:
    """`word` with field `name` set to `value`."""
    for piece in row.fields[name]:
        word &= ~((1 << piece.width) - 1 << piece.source)
    return word | row.insert(name, value)


def _group(row: Instruction, bits: int) -> list[tuple[Instruction, int]]:
    """The instructions of a step."""
    word = row.match | bits & ~row.mask & (1 << 8 * row.size) - 1
    for name, bad in row.excluded.items():
        if row.extract(word, name) == bad:
            piece = row.fields[name][-1]
            word = word | 1 << piece.source
    for name, spare in (("rd", 16), ("rd'", 2)):
        if name in row.fields and row.extract(word, name) in BASES:
            word = _replace(row, word, name, row.extract(word, name) + spare)
    if "csr" in row.fields:
        word = _replace(row, word, "csr", PLAIN_CSRS[(bits >> 40) % len(PLAIN_CSRS)])
    if row.name == "c.addi16sp":
        away = max(-496, row.extract(word, "imm"))
        return [encode(row.name, imm=away), encode(row.name, imm=-away)]
    if row.extension == "A":
        word = _replace(row, word, "rs1", ALIGNED)
        return _reserving(row, word) if row.name[:3] in ("lr.", "sc.") else [(row, word)]
    if "(rs1" in "".join(row.syntax) and row.name != "jalr":
        name = "rs1'" if "rs1'" in row.fields else "rs1"
        bases = BASES[1:] if name == "rs1'" else BASES
        return [(row, _replace(row, word, name, bases[(bits >> 40) % len(bases)]))]
    if row.name in ("jalr", "c.jr", "c.jalr"):
        through = 16 + (bits >> 40) % 16
        word = _replace(row, word, "rs1", through)
        return [encode("auipc", rd=through), encode("addi", rd=through, rs1=through), (row, word)]
    return [(row, word)]


def _reserving(row: Instruction, word: int) -> list[tuple[Instruction, int]]:
    """lr and sc come together, followed by an sc that must fail."""
    width = row.name[3:]
    again = encode(f"sc.{width}", rd=18, rs1=ALIGNED, rs2=5)
    if row.name[:2] == "lr":
        return [(row, word), encode(f"sc.{width}", rd=17, rs1=ALIGNED, rs2=6), again]
    return [encode(f"lr.{width}", rd=16, rs1=ALIGNED), (row, word), again]


def _aimed(group: list[tuple[Instruction, int]], distance: int) -> list[tuple[Instruction, int]]:
    """The group with its jump, if it has one, going `distance` bytes from the group's start."""
    row, word = group[-1]
    if "target" in row.syntax:
        return [*group[:-1], (row, _replace(row, word, "imm", distance))]
    if row.name in ("jalr", "c.jr", "c.jalr"):
        offset = 0
        if row.name == "jalr":  # half of the way in the instruction, and bit 0, which is dropped
            offset = max(-64, min(64, row.extract(word, "imm"))) | 1
            word = _replace(row, word, "imm", offset)
        step, move = group[1]
        move = _replace(step, move, "imm", distance - (offset & -2))
        return [group[0], (step, move), (row, word)]
    return group


def _ending(name: str, seed: int) -> list[tuple[Instruction, int]]:
    """The instructions that end a sequence with `name`."""
    if name in ("mret", "sret"):
        epc = 0x341 if name == "mret" else 0x141
        return [
            encode("addi", rd=16, imm=seed & 9),
            encode("slli", rd=16, rs1=16, uimm=8),  # MPP = U or S, SPP = U or S
            encode("csrrs", csr=0x300, rs1=16),
            encode("auipc", rd=17),
            encode("addi", rd=17, rs1=17, imm=20),
            encode("csrrw", csr=epc, rs1=17),
            encode(name),
            encode("addi", rd=18, imm=1),  # stepped over
            encode("addi", rd=19, imm=1),
        ]
    return [encode(name)] if name else []
