"""Exercise 02.1: emulate CSR instructions, sret and the trap for a virtual CPU.

A case is a state of the virtual CPU and one instruction. What a real hart makes of the same state
is the answer; the part of the state that differs names the rule that was broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.chapters.ch02.checks.cpu import NUMBERS, SSTATUS, UXL, WRITABLE, Cpu, encode, on_hart
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.registers import CSR_SLOT, NUMBER

PLAIN = ("sscratch", "sepc", "scause", "stval", "sstatus", "sie")
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
        """A fresh virtual CPU in this state."""
        return Cpu(self.state)

    def __str__(self) -> str:
        return f"{self.text}   on a CPU in {self.cpu()}"


# Rule: the instruction, with c a CSR, s and d different registers, z a number; and the mode.
RULES = {
    "write": ("csrrw x{d}, {c}, x{s}", 1), "set": ("csrrs x{d}, {c}, x{s}", 1),
    "clear": ("csrrc x{d}, {c}, x{s}", 1), "write_immediate": ("csrrwi x{d}, {c}, {z}", 1),
    "set_immediate": ("csrrsi x{d}, {c}, {z}", 1), "clear_immediate": ("csrrci x{d}, {c}, {z}", 1),
    "read": ("csrrs x{d}, {c}, x0", 1), "same": ("csrrw x{s}, {c}, x{s}", 1),
    "x0": ("csrrw x0, {c}, x{s}", 1), "read_only": ("csrrs x{d}, cycle, x0", 1),
    "write_read_only": ("csrrw x{d}, cycle, x{s}", 1), "user": ("csrrs x{d}, {c}, x0", 0),
    "machine": ("csrrs x{d}, mscratch, x0", 1), "unknown": ("csrrs x{d}, 0x5c0, x0", 1),
    "sret": ("sret", 1), "user_sret": ("sret", 0),
}  # fmt: skip
TRAPPING = ("write_read_only", "user", "machine", "unknown", "user_sret")


def make(rng: Random) -> list[Case]:
    """A few cases for each rule, in the order of RULES."""
    return [_case(rng, rule, k) for rule in RULES for k in range(OFTEN)]


def _case(rng: Random, rule: str, k: int) -> Case:
    pattern, mode = RULES[rule]
    source, target = rng.choice(SOURCES), rng.choice(TARGETS)
    text = pattern.format(c=rng.choice(PLAIN), s=source, d=target, z=rng.randrange(1, 32))
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
    pc = 0x80001000 + 4 * rng.randrange(256)
    return Case(rule, text, {"x": x, "csr": csr, "pc": pc, "mode": mode})


def ask(cases: list[Case]) -> list:
    """State and word of every case."""
    return [[case.state, case.word] for case in cases]


def put(call: Any, answers: Any, asked: Any) -> list:
    """One outcome a case: the state of the CPU after the learner's emulation."""

    def after(state: dict[str, Any], word: int) -> dict[str, Any]:
        cpu = Cpu(state)
        answers[0](cpu, word)
        return cpu.state()

    return [call(after, state, word) for state, word in asked]


def judge(outcomes: list, cases: list[Case]) -> Verdict:
    """The first case whose state differs from the hart's."""
    if len(outcomes) != len(cases):
        return wrong("handback")
    for outcome, case in zip(outcomes, cases, strict=True):
        mode, pc = "US"[case.state["mode"]], case.state["pc"]
        facts = {"asked": f"{case.text} in {mode}-mode at {pc:#x}"}
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, **facts)
        got, right = outcome[1], case.answer
        if not _shaped(got, right):
            return wrong("shape", **facts)
        if got != right:
            return _explain(case, got, right, facts)
    return Verdict(True, "passed", {"count": len(cases)})


def _shaped(got: Any, right: dict[str, Any]) -> bool:
    """Whether the state that came back has the form of a state; all of it plain numbers."""
    if type(got) is not dict or got.keys() != right.keys() or type(got["csr"]) is not dict:
        return False
    if type(got["x"]) is not list or len(got["x"]) != 32:
        return False
    if got["csr"].keys() != right["csr"].keys():
        return False
    return all(type(v) is int for v in (*got["x"], *got["csr"].values(), got["pc"], got["mode"]))


def _flat(state: dict[str, Any]) -> dict[str, int]:
    """Every value by name, in the order in which a difference tells most."""
    values = {"mode": state["mode"], **state["csr"]}
    status = values.pop("sstatus")
    for name, bit in (("SIE", st.SIE), ("SPIE", st.SPIE), ("SPP", st.SPP)):
        values[f"sstatus.{name}"] = int(status & bit > 0)
    values["sstatus"] = status & ~(st.SIE | st.SPIE | st.SPP)
    return values | {f"x{n}": value for n, value in enumerate(state["x"])} | {"pc": state["pc"]}


def _explain(case: Case, got: dict, right: dict, facts: dict[str, Any]) -> Verdict:
    mine, theirs = _flat(got), _flat(right)
    name = next(key for key in theirs if mine[key] != theirs[key])
    before = _flat(case.state)[name]
    facts |= {"name": name, "expected": f"{theirs[name]:#x}", "got": f"{mine[name]:#x}",
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


def counterpart() -> Any:
    """The package's own, which works on a vCPU whose state is a hart's."""
    from minihv.hw.csr import csr_instruction

    return csr_instruction


def play(cases: list[Case]) -> list[Case]:
    """The cases, to try the function on."""
    return cases


def boot(emulate: Any, append: str = "workload=syscalls n=50") -> list[str]:
    """Boot labos with `emulate` for its kernel's CSR accesses and sret; what differs from bare."""
    from minihv.chapters.ch02.comparison import outcome
    from minihv.devices.virt import Machine
    from minihv.vmm import VM, Reason

    vm = VM(memory=16 << 20)

    def handle(vcpu: Any, exit: Any) -> bool:
        if vcpu.priv == 0:
            return False
        cpu = OnVcpu(vcpu)
        emulate(cpu, exit.instruction)
        cpu.back(vcpu)
        return True

    vm.exits.observers |= {Reason.CSR: handle, Reason.RETURN: handle}
    bare = outcome(Machine(16 << 20), append=append)
    return outcome(vm, append=append, most=2_000_000).differences(bare)


class OnVcpu(Cpu):
    """A vCPU of the package as the Cpu of this exercise; `back` writes the changes to it."""

    names = {number: name for name, number in NUMBER.items() if CSR_SLOT[number] != -1}

    def __init__(self, vcpu: Any):
        self.x = [value & MASK64 for value in vcpu.s[:32]]
        self.csr = vcpu.csr
        self.pc, self.mode = vcpu.pc & MASK64, vcpu.priv

    def back(self, vcpu: Any) -> None:
        """Registers, pc and mode; the instruction counts."""
        for number in range(1, 32):
            vcpu.x[number] = self.x[number]
        vcpu.pc = self.pc
        vcpu.priv = self.mode
        vcpu.clock += 1
