"""Exercise 02.1: emulate CSR instructions, sret and the trap for a virtual CPU.

A case is a state of the virtual CPU and one instruction. What a real hart makes of the same state
is the answer; the part of the state that differs names the rule that was broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.asm import assemble
from minihv.chapters.ch02.beside.cpu import NUMBERS, SSTATUS, WRITABLE, Cpu
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.hw import state as st
from minihv.hw.bits import MASK64, i64
from minihv.hw.csr import csr_instruction
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory

UXL = 2 << 32
PLAIN = ("sscratch", "sepc", "scause", "stval", "sstatus", "sie")
FULL = ("sscratch", "scause")
SOURCES, TARGETS = range(5, 18), range(18, 32)
RETURNED = ("mode", "pc", "SIE", "SPIE", "SPP")  # what sret changes
OFTEN = 3  # cases of each rule


@dataclass(frozen=True)
class Case:
    """One instruction on one state, and the rule that it is about."""

    rule: str
    text: str
    state: dict[str, Any]

    @property
    def word(self) -> int:
        """The instruction."""
        return encode(self.text)

    @property
    def answer(self) -> dict[str, Any]:
        """The state afterwards."""
        return on_hart(self.state, self.word)

    def cpu(self) -> Cpu:
        """Return a fresh virtual CPU in this state."""
        return Cpu(self.state)

    def __str__(self) -> str:
        return f"{self.text}   on a CPU in {self.cpu()}"


# Rule: the instruction, with c a CSR, s and d different registers, z a number; and the mode.
RULES = {
    "write": ("csrrw x{d}, {c}, x{s}", 1), "set": ("csrrs x{d}, {c}, x{s}", 1),
    "clear": ("csrrc x{d}, {c}, x{s}", 1), "write_immediate": ("csrrwi x{d}, {c}, {z}", 1),
    "set_immediate": ("csrrsi x{d}, {c}, {z}", 1), "clear_immediate": ("csrrci x{d}, {c}, {z}", 1),
    "read": ("csrrs x{d}, {c}, x0", 1), "write_zero": ("csrrw x{d}, {c}, x0", 1),
    "write_zero_immediate": ("csrrwi x{d}, {c}, 0", 1), "same": ("csrrw x{s}, {c}, x{s}", 1),
    "x0": ("csrrw x0, {c}, x{s}", 1), "read_only": ("csrrs x{d}, cycle, x0", 1),
    "write_read_only": ("csrrw x{d}, cycle, x{s}", 1), "user": ("csrrs x{d}, {c}, x0", 0),
    "machine": ("csrrs x{d}, mscratch, x0", 1), "unknown": ("csrrs x{d}, 0x5c0, x0", 1),
    "sret": ("sret", 1), "user_sret": ("sret", 0),
}  # fmt: skip
TRAPPING = ("write_read_only", "user", "machine", "unknown", "user_sret")


def make(rng: Random) -> list[Case]:
    """Return a few cases for each rule, in the order of RULES."""
    return [_case(rng, rule, k) for rule in RULES for k in range(OFTEN)]


def _case(rng: Random, rule: str, k: int) -> Case:
    pattern, mode = RULES[rule]
    source, target = rng.choice(SOURCES), rng.choice(TARGETS)
    # The first two cases of a rule have a CSR that holds all 64 bits.
    name = (*FULL, rng.choice(PLAIN))[k]
    text = pattern.format(c=name, s=source, d=target, z=rng.randrange(1, 32))
    csr = {name: rng.getrandbits(64) & WRITABLE.get(name, MASK64) for name in NUMBERS.values()}
    csr["sstatus"] = rng.getrandbits(64) & SSTATUS | UXL
    csr["stvec"] = 0x80005000 + 4 * rng.randrange(256) | k & 1  # every second one is vectored
    csr["cycle"] = rng.getrandbits(40)
    csr["sepc"] = 0x80010000 + 2 * rng.randrange(1 << 14)
    if rule == "sret":  # all that comes back must be seen to come back
        csr["sstatus"] = csr["sstatus"] & ~(st.SPIE | st.SIE | st.SPP) | (
            (st.SPIE, st.SPIE | st.SPP, st.SIE | st.SPP)[k])
    elif rule in TRAPPING:
        csr["sstatus"] = csr["sstatus"] & ~(st.SPIE | st.SIE | st.SPP) | (
            (st.SIE, st.SPIE | st.SPP, st.SIE | st.SPP)[k])
    x = [0] + [rng.getrandbits(64) for _ in range(31)]
    if k < len(FULL):  # the highest and lowest bit of old value and operand: each pair once
        csr[name], x[source] = _ends(csr[name], 3 - k), _ends(x[source], 1 + k)
    pc = 0x80001000 + 4 * rng.randrange(256)
    return Case(rule, text, {"x": x, "csr": csr, "pc": pc, "mode": mode})


def _ends(value: int, ends: int) -> int:
    """Return a value whose highest and lowest bit are those of `ends`."""
    return value & ~(1 << 63 | 1) | ends >> 1 << 63 | ends & 1


def on_hart(state: dict[str, Any], word: int) -> dict[str, Any]:
    """Return what a real hart makes of this state and instruction."""
    hart = Hart(0, _MEMORY, "python")
    hart.own_machine_mode()
    s = hart.s
    for number, value in enumerate(state["x"]):
        s[number] = i64(value) if number else 0
    for name, value in state["csr"].items():
        hart.csr["mcycle" if name == "cycle" else name] = value
    hart.pc = state["pc"]
    hart.priv = state["mode"]
    _MEMORY.write(state["pc"], word.to_bytes(4, "little"))
    s[st.STOP_ON_TRAP] = 1
    hart.run(hart.clock + 1)
    csr = {name: hart.csr[name] for name in state["csr"]}
    csr["cycle"] = state["csr"]["cycle"]
    return {"x": [value & MASK64 for value in s[:32]], "csr": csr, "pc": hart.pc & MASK64,
            "mode": hart.priv}  # fmt: skip


_MEMORY = Memory(1 << 20)


def encode(text: str) -> int:
    """Return the word of one instruction."""
    return int.from_bytes(assemble(text).data[:4], "little")


def _flat(state: dict[str, Any]) -> dict[str, int]:
    """Return every value by name, in the order in which a difference tells most."""
    values = {"mode": state["mode"], **state["csr"]}
    status = values.pop("sstatus")
    for name, bit in (("SIE", st.SIE), ("SPIE", st.SPIE), ("SPP", st.SPP)):
        values[f"sstatus.{name}"] = int(status & bit > 0)
    values["sstatus"] = status & ~(st.SIE | st.SPIE | st.SPP)
    return values | {f"x{n}": value for n, value in enumerate(state["x"])} | {"pc": state["pc"]}


def explain(got: dict, case: Case) -> Verdict:
    """Say which rule the first value that differs breaks."""
    mine, theirs = _flat(got), _flat(case.answer)
    name = next(key for key in theirs if mine[key] != theirs[key])
    before = _flat(case.state)[name]
    facts = {"name": name, "expected": f"{theirs[name]:#x}", "got": f"{mine[name]:#x}",
              "before": f"{before:#x}"}  # fmt: skip
    if case.rule in TRAPPING:
        if got["mode"] == case.state["mode"] and got["pc"] == case.state["pc"] + 4:
            return wrong(case.rule, **facts)  # it was executed
        if case.rule == "user_sret" and got["pc"] == case.state["csr"]["sepc"]:
            return wrong(case.rule, **facts)
        known = ("mode", "sepc", "scause", "stval", "pc", "sstatus.SIE", "sstatus.SPIE",
                 "sstatus.SPP")  # fmt: skip
        part = name.partition(".")[2] or name
        return wrong(f"trap_{part.lower()}" if name in known else "trap_other", **facts)
    if name == "pc" and case.rule != "sret":
        return wrong("pc", **facts)
    if case.rule == "sret":
        part = name.partition(".")[2] or name
        return wrong(f"sret_{part.lower()}" if part in RETURNED else "sret_other", **facts)
    if name == "x0":
        return wrong("x0", **facts)
    return wrong(case.rule, **facts)


STATE = {"x": [int] * 32, "csr": dict.fromkeys(NUMBERS.values(), int), "pc": int, "mode": int}

EXERCISE = Exercise(
    id="02.1", minutes=50, difficulty=3, points=5, make=make,
    form=Cases(
        call=lambda case: [case.state, case.word],
        right=lambda case: case.answer,
        shape=STATE,
        facts=lambda case: {"asked": f"{case.text} in {'US'[case.state['mode']]}-mode at "
                                     f"{case.state['pc']:#x}"},
        explain=explain,
    ),
    counterpart=lambda: csr_instruction,  # which works on a vCPU whose state is a hart's
)  # fmt: skip
