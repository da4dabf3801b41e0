"""Random instruction sequences on our machine and on Unicorn must leave the same state.

Both engines and compiled regions take part: registers, privilege, pc, the data and the CSRs that
the sequence may write are compared, and every instruction of the table must have been executed.
The tier says how many sequences of each batch.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings

from minihv.hw import state as st
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory
from tests.hw.chaos import EagerRegions
from tests.hw.peers import HINT, UNICORN, rows
from tests.hw.sequences import (
    ALIGNED,
    MISALIGNED,
    SP,
    Layout,
    Sequence,
    assemble,
    batches,
    sequences,
)
from tests.tiers import count

unicorn = pytest.importorskip("unicorn", reason="Unicorn is not installed: no peer to compare with")
riscv = pytest.importorskip("unicorn.riscv_const")

SIZE = 1 << 20
DATA, DATA_SIZE = st.RAM_BASE + SIZE - 0x4000, 0x4000
CODE_END = DATA - 0x1000
COUNT = 120  # instructions of a run: loops are possible
EXAMPLES = count(8, 20, 1_000)
CSRS = ("mscratch", "sscratch", "mcause", "scause", "mtval", "stval")
GPRS = [riscv.UC_RISCV_REG_X0 + i for i in range(1, 32)]
READ = [*GPRS, riscv.UC_RISCV_REG_PC, riscv.UC_RISCV_REG_PRIV]
READ_CSRS = [getattr(riscv, f"UC_RISCV_REG_{name.upper()}") for name in CSRS]
CALL_FROM_M, CALL = 11, 8  # Unicorn says 8 for every ecall


@dataclass
class Outcome:
    """Where a run ended: x1..x31, pc, privilege and CSRs unsigned; the data; a trap's cause."""

    values: list[int]
    data: bytes
    cause: int | None


class Peer:
    """Unicorn, with one code area that sequences fill one after the other."""

    def __init__(self) -> None:
        self.uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        self.uc.mem_map(st.RAM_BASE, SIZE)
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._trap)
        self.uc.hook_add(unicorn.UC_HOOK_CODE, lambda _, address, *rest: self.seen.add(address))
        self.initial = self.uc.context_save()
        self.cause: int | None = None
        self.seen: set[int] = set()

    def _trap(self, uc: object, cause: int, _: object) -> None:
        self.cause = cause
        self.uc.emu_stop()

    def run(self, layout: Layout, registers: list[int], data: bytes) -> Outcome:
        """The outcome, with `seen` the addresses of what was executed."""
        self.uc.context_restore(self.initial)
        self.uc.mem_write(layout.address, layout.data)
        self.uc.mem_write(DATA, data)
        values = [value & (1 << 64) - 1 for value in registers]
        self.uc.reg_write_batch(list(zip(GPRS, values, strict=True)))
        self.cause, self.seen = None, set()
        try:
            self.uc.emu_start(layout.address, layout.end, count=COUNT)
        except unicorn.UcError as error:
            assert error.errno == unicorn.UC_ERR_INSN_INVALID  # its name for ebreak
            self.cause = 3
        values = list(self.uc.reg_read_batch(READ))
        self.uc.reg_write(riscv.UC_RISCV_REG_PRIV, 3)  # else it reads no CSR
        values += self.uc.reg_read_batch(READ_CSRS)
        return Outcome(values, bytes(self.uc.mem_read(DATA, DATA_SIZE)), self.cause)


class Ours:
    """One hart, run by whichever engine; the host takes all traps."""

    def __init__(self) -> None:
        self.memory = Memory(SIZE)
        self.hart = Hart(0, self.memory, "python")
        self.hart.own_machine_mode()  # for its PMP: U and S may use all memory
        self.open = self.hart.state.copy()
        self.memory.regions = EagerRegions(self.memory, 1 << 30)
        shared = self.memory.shared
        shared[st.SHARED_HOT], shared[st.SHARED_SOON], shared[st.SHARED_LATE] = 0, 1, 1

    def begin(self, layout: Layout, registers: list[int], data: bytes) -> None:
        """Set the hart and the data up, but leave what is decoded and translated."""
        self.hart.state[:] = self.open
        s = self.hart.s
        s[st.HOST], s[st.PRIV], s[st.PC] = 3, 3, layout.address
        for i, value in enumerate(registers, 1):
            s[i] = value
        self.hart.flush()
        self.memory.write(DATA, data)

    def translate(self, again: Callable[[], None]) -> None:
        """Go the way twice: what is decoded then is made regions of, at every step."""
        self.hart.run(COUNT)
        again()
        shared = self.memory.shared
        shared[st.SHARED_HOT] = 1
        self.hart.run(COUNT)
        shared[st.SHARED_HOT] = 0
        again()

    def run(self, kind: str, layout: Layout, registers: list[int], data: bytes) -> Outcome:
        """The outcome on engine `kind`: "python", "jit" or "regions"."""
        hart, s = self.hart, self.hart.s
        hart.use("python" if kind == "python" else "jit")
        self.memory.write(layout.address, layout.data)
        self.begin(layout, registers, data)
        if kind == "regions":
            self.translate(lambda: self.begin(layout, registers, data))
        reason = hart.run(COUNT)
        values = [s[i] & (1 << 64) - 1 for i in range(1, 32)]
        values += [s[st.PC] & (1 << 64) - 1, s[st.PRIV], *(hart.csr[name] for name in CSRS)]
        cause = s[st.CAUSE] if reason == st.EXIT_TRAP else None
        return Outcome(values, self.memory.read(DATA, DATA_SIZE), cause)


class Bench:
    """Both machines, and what has been executed so far."""

    def __init__(self) -> None:
        self.peer, self.ours = Peer(), Ours()
        self.address = st.RAM_BASE
        self.executed: Counter[str] = Counter()

    def place(self, sequence: Sequence) -> Layout:
        """The next free place in the code area; a fresh one, since Unicorn keeps translations."""
        layout = assemble(sequence, self.address)
        self.address += len(layout.data) + 2 + 2 * (sequence.seed % 3)
        if self.address + 1024 > CODE_END:
            self.peer.uc.ctl_flush_tb()
            self.address = st.RAM_BASE
        return layout

    def compare(self, sequence: Sequence) -> None:
        """Run everywhere; AssertionError where outcomes differ."""
        layout = self.place(sequence)
        registers = list(sequence.registers)
        for base, offset in zip((SP, MISALIGNED, ALIGNED), sequence.bases, strict=True):
            registers[base - 1] = DATA + DATA_SIZE // 2 + offset
        data = random.Random(sequence.seed).randbytes(DATA_SIZE)
        expected = self.peer.run(layout, registers, data)
        if expected.cause is not None:  # Unicorn leaves pc behind ecall, we at it
            expected.values[31] = layout.end - layout.rows[max(layout.rows)].size
        for kind in ("python", "jit", "regions"):
            check(self.ours.run(kind, layout, registers, data), expected, kind, layout)
        self.executed.update(layout.rows[a].name for a in self.peer.seen if a in layout.rows)


def check(got: Outcome, expected: Outcome, kind: str, layout: Layout) -> None:
    """Compare outcomes; the message lists the sequence."""
    names = [*(f"x{i}" for i in range(1, 32)), "pc", "priv", *CSRS]
    wrong = {
        name: (hex(a), hex(b))
        for name, a, b in zip(names, got.values, expected.values, strict=True)
        if a != b
    }
    text = [f"{address:#x} {row.name}" for address, row in layout.rows.items()]
    assert not wrong, f"{kind}: {wrong} (ours, Unicorn's; {HINT})\n" + "\n".join(text)
    assert got.data == expected.data, f"{kind}: memory differs\n" + "\n".join(text)
    cause = CALL if got.cause == CALL_FROM_M else got.cause
    assert cause == expected.cause, kind


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("names", "last"), batches(), ids=lambda part: part and part[0])
def test_sequences_leave_the_same_state_as_on_unicorn(bench, names, last):
    bench.executed.clear()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(sequences(names, last))
    def compare(sequence: Sequence) -> None:
        bench.compare(sequence)

    before = bench.ours.memory.regions.count
    compare()
    assert bench.ours.memory.regions.count > before + EXAMPLES // 2
    never = [name for name in (*names, last) if name and not bench.executed[name]]
    assert not never, f"never executed: {never}"


@pytest.mark.parametrize("row", rows(UNICORN))
def test_the_batches_cover_the_whole_table(row):
    assert any(row.name in (*names, last) for names, last in batches())
