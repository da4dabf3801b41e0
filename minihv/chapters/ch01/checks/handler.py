"""Exercise 01.1: a trap handler in assembly, judged by what the machine does with it.

The learner's source is assembled in front of three programs that take timer interrupts and call
ecall. Every trap is watched as the machine takes it; at the end registers, counters and memory
must be what they are without the handler.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from minihv import guests
from minihv.asm import assemble
from minihv.asm.operands import REGISTERS
from minihv.asm.program import Program
from minihv.course.exercise import Exercise, Steps, Verdict, wrong
from minihv.course.verdicts import trouble
from minihv.devices.virt import Machine
from minihv.errors import AssemblyError
from minihv.hw import state as st
from minihv.hw.hart import Hart

TIMER = 1 << 63 | 7
EBREAK, ECALL_U, ECALL_M = 3, 8, 11
NEVER = (1 << 62) - 1
FIRST = 100  # mtime of the first interrupt
LONGEST = 64 << 10  # bytes of code
BUDGET = 400_000  # instructions, twenty times what a right answer takes
SAVED = 16  # doublewords of the save area
CANARY = 0x5A
COUNTER = 9  # s1: what the programs count in
# In front of the learner's first line and on it, so that line numbers stay.
HEAD = ".equ PERIOD, {period}; .equ MTIMECMP, 0x2004000; "

HARNESS = """
    .text
    .balign 4
__harness:
_start:
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    la t0, handler
    csrw mtvec, t0
    la t0, __save
    csrw mscratch, t0
    li t0, {first}
    li t1, MTIMECMP
    sd t0, 0(t1)
    li t0, 0x80
    csrw mie, t0
    la t0, __program
    csrw mepc, t0
    li t0, {status:#x}
    csrw mstatus, t0
{patterns}
    mret
__program:
{body}
    addi s0, s0, -1
    bnez s0, __program
__end:
    ebreak
    ebreak
    ebreak
__lost:
    ebreak
    .data
    .balign 8
    .space 256, {canary}
__stack:
    .space 256, {canary}
__save:
    .space {saved}, 0
__beyond:
    .space 256, {canary}
__canary_end:
ticks: .dword {ticks:#x}
"""


@dataclass(frozen=True)
class Task:
    """One program: where it runs, how long, how often it calls ecall, what surrounds it."""

    mode: int  # 0 U, 3 M
    rounds: int
    calls: int  # ecalls in each round
    period: int  # mtime units between interrupts
    ticks: int  # the counter's first value
    stack: bool  # whether sp points at memory
    patterns: tuple[int, ...]  # x0 .. x31
    first: int = FIRST

    @property
    def name(self) -> str:
        """For messages."""
        return {0: "U", 3: "M"}[self.mode] + "-mode"

    def source(self) -> str:
        """Return the program and what starts it."""
        body = ["addi s1, s1, 1"] * 12 + ["ecall", "addi s1, s1, 1"] * self.calls
        return HARNESS.format(
            first=self.first, status=self.mode << 11 | 0x80, patterns="\n".join(self._loads()),
            body="\n".join(body), canary=CANARY, saved=8 * SAVED, ticks=self.ticks,
        )  # fmt: skip

    def _loads(self) -> list[str]:
        loads = [f"li x{n}, {self.patterns[n]:#x}" for n in range(3, 32)]
        sp = "la sp, __stack" if self.stack else "li sp, 0"
        return [f"la ra, __lost\n{sp}", *loads]

    def expected(self, number: int, program: Program) -> int:
        """Return what register `number` holds at the end."""
        if number == 1:
            return program.symbols["__lost"]
        if number == 2:
            return program.symbols["__stack"] if self.stack else 0
        if number == COUNTER:
            return self.patterns[COUNTER] + self.rounds * (12 + self.calls)
        return 0 if number == 8 else self.patterns[number]


def make(rng: Random) -> list[Task]:
    """Draw three programs: counting, calls from M-mode, calls from U-mode without a stack."""

    def task(mode: int, calls: int, ticks: int, stack: bool) -> Task:
        patterns = [rng.randrange(1 << 62) for _ in range(32)]
        patterns[8] = rounds = rng.randrange(300, 600)
        patterns[COUNTER] = rng.randrange(1 << 20)
        period = rng.randrange(40, 90)
        return Task(mode, rounds, calls, period, ticks, stack, tuple(patterns))

    return [
        task(3, 0, 0, True),
        task(3, rng.randrange(1, 3), rng.randrange(1000), True),
        task(0, rng.randrange(1, 3), (1 << 32) - rng.randrange(2, 5), False),
    ]


def judge(outcomes: list, tasks: list[Task]) -> Verdict:
    """Assemble and run every program; the first thing that is wrong decides."""
    bad = trouble(outcomes[0])
    if bad is not None:
        return bad
    source = outcomes[0][1]
    if type(source) is not str:
        return wrong("no_source", got=type(source).__name__)
    try:
        runs = [Run(source, task) for task in tasks]
        for run in runs:
            run.go()
        quiet = Run(source, replace(tasks[0], first=NEVER))
        quiet.go()
    except _Found as found:
        return found.verdict
    cost = (runs[0].instructions - quiet.instructions) / runs[0].taken
    served = sum(run.taken for run in runs)
    return Verdict(True, "passed", {"served": served, "cost": f"{cost:.0f}"})


class _Found(Exception):
    """Ends a run: what is wrong is known."""

    def __init__(self, key: str, **values: Any):
        super().__init__(key)
        self.verdict = wrong(key, **values)


class _Done(Exception):
    """Ends a run: the program reached its end."""


class Run:
    """One program after the learner's handler, on a machine."""

    def __init__(self, source: str, task: Task):
        self.task = task
        self.program = _assemble(source, task)
        self.taken = self.calls = self.instructions = 0
        self._last = -1  # mtimecmp at the last interrupt
        self._last_call: tuple[int, int] | None = None  # mepc and the counter at the last ecall
        self.machine = Machine(memory=1 << 20, engine="python").load(self.program.elf(), boot="m")
        self.hart = self.machine.harts[0]
        self.hart.s[st.STOP_ON_TRAP] = 1
        self.machine.on_trap = self._watch

    def go(self) -> None:
        """Run to the program's end and look at what is left; _Found when something is wrong."""
        try:
            self.machine.run(BUDGET)
        except _Done:
            self.instructions = self.hart.instructions
            self._inspect()
            return
        line = self._line(self.hart.pc)
        if line:
            raise _Found("endless", line=line, budget=BUDGET)
        raise _Found("never_ends", pc=self.hart.pc, budget=BUDGET, program=self.task.name)

    def _line(self, pc: int) -> int:
        """Return the learner's line at `pc`, 0 if that is not the learner's code."""
        if not self.program.origin <= pc < self.program.symbols["__harness"]:
            return 0
        return self.program.lines.get(pc, 0)

    # --- while it runs ----------------------------------------------------------------------

    def _watch(self, hart: Hart) -> None:
        cause, pc = hart.csr["mcause"], hart.csr["mepc"]
        if cause == TIMER:
            self._interrupt()
        elif self._line(pc):
            raise _Found("nested", line=self._line(pc), cause=cause, tval=hart.csr["mtval"])
        elif cause in (ECALL_U, ECALL_M):
            self._called(pc)
        elif cause == EBREAK and pc == self.program.symbols["__lost"]:
            raise _Found("not_mret")
        elif cause == EBREAK and pc >= self.program.symbols["__end"]:
            raise _Done
        else:
            raise _Found("astray", cause=cause, pc=pc, program=self.task.name)

    def _interrupt(self) -> None:
        if self._last == self.hart.mtimecmp:
            raise _Found("storm", mtimecmp=self.hart.mtimecmp, mtime=self.hart.mtime)
        self._last = self.hart.mtimecmp
        self.taken += 1

    def _called(self, pc: int) -> None:
        now = pc, self.hart.x[COUNTER]  # which every program raises after each ecall
        if self._last_call == now:
            raise _Found("ecall_again", pc=pc)
        self._last_call = now
        self.calls += 1

    # --- at the end -------------------------------------------------------------------------

    def _inspect(self) -> None:
        mode = self.hart.csr["mstatus"] >> 11 & 3
        if mode != self.task.mode:
            raise _Found("mode", expected="US?M"[self.task.mode], got="US?M"[mode])
        self._inspect_registers()
        self._inspect_count()
        self._inspect_timer()
        self._inspect_memory()

    def _inspect_registers(self) -> None:
        expected, got = self.task.expected(COUNTER, self.program), self.hart.x[COUNTER]
        start = self.task.patterns[COUNTER]
        if 0 < abs(got - expected) <= expected - start:
            raise _Found("skipped", expected=expected - start, got=got - start,
                         program=self.task.name)  # fmt: skip
        for number in range(1, 32):
            expected, got = self.task.expected(number, self.program), self.hart.x[number]
            if expected != got:
                raise _Found("register", name=REGISTERS[number], number=number,
                             expected=expected, got=got & (1 << 64) - 1,
                             program=self.task.name)  # fmt: skip
        save = self.program.symbols["__save"]
        if self.hart.csr["mscratch"] != save:
            raise _Found("mscratch", expected=save, got=self.hart.csr["mscratch"])

    def _inspect_count(self) -> None:
        got = self.machine.memory.read_u64(self.program.symbols["ticks"])
        expected = self.task.ticks + self.taken
        facts = {"taken": self.taken, "got": got, "expected": expected, "start": self.task.ticks}
        if got == expected:
            return
        if self.calls and got == expected + self.calls:
            raise _Found("counted_ecalls", calls=self.calls, **facts)
        if (got ^ expected) & 0xFFFFFFFF == 0:
            raise _Found("narrow", **facts)
        raise _Found("count", **facts)

    def _inspect_timer(self) -> None:
        expected = self.task.first + self.taken * self.task.period
        got, mtime = self.hart.mtimecmp, self.hart.mtime
        if got != expected:
            raise _Found("drift", taken=self.taken, period=self.task.period,
                         first=self.task.first, expected=expected, got=got)  # fmt: skip
        if mtime >= got + self.task.period:
            raise _Found("stopped", taken=self.taken, mtime=mtime, mtimecmp=got)

    def _inspect_memory(self) -> None:
        symbols = self.program.symbols
        for start, end in (("__stack", "__save"), ("__beyond", "__canary_end")):
            self._intact(symbols[start], symbols[end])
        self._intact(symbols["__stack"] - 256, symbols["__stack"])

    def _intact(self, start: int, end: int) -> None:
        for offset, byte in enumerate(self.machine.memory.read(start, end - start)):
            if byte != CANARY:
                raise _Found("memory", address=start + offset, save=self.program.symbols["__save"],
                             sp=self.program.symbols["__stack"])  # fmt: skip


def _assemble(source: str, task: Task) -> Program:
    """Return the learner's source in front of the program; _Found names the learner's mistake."""
    try:
        program = assemble(HEAD.format(period=task.period) + source + task.source())
    except AssemblyError as error:
        inside = 0 < error.line <= source.count("\n") + 1
        if "'handler'" in str(error) and not inside:
            raise _Found("no_label") from None
        what = str(error).partition(": ")[2] if error.line else str(error)
        if inside:
            raise _Found("assembly", line=error.line, what=what) from None
        raise _Found("assembly_clash", what=what) from None
    if len(program.data) > LONGEST:
        raise _Found("too_long", size=len(program.data), most=LONGEST)
    if program.symbols["handler"] % 4:
        raise _Found("unaligned", address=program.symbols["handler"])
    return program


def counterpart() -> str:
    """Return the package's own trap vector, which its guests use."""
    return (Path(guests.__file__).parent / "src" / "trap.S").read_text(encoding="utf-8")


EXERCISE = Exercise(
    id="01.1", minutes=30, difficulty=2, points=4, make=make,
    form=Steps(lambda tasks: [[]], judge),  # one call without arguments: the source
    counterpart=counterpart,
)  # fmt: skip
