"""The debugger's commands: each a function of the session and the words behind its name.

Its docstring is its line in `help`. Addresses are guest-virtual, "p:" before one makes it
guest-physical. Wherever a number is asked for, a sum will do: symbols, registers, CSRs and numbers
with + and -.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from minihv.asm import around
from minihv.asm.disassembler import disassemble_range
from minihv.asm.operands import REGISTER_NUMBER, REGISTERS
from minihv.devices.timeline import Timeline
from minihv.devices.virt import End, Instant, Machine
from minihv.errors import MinihvError
from minihv.hw import inspect
from minihv.hw.bits import MASK64, i64
from minihv.hw.hart import Hart
from minihv.hw.registers import NUMBER
from minihv.tools.terminal import one_line
from minihv.tools.trace import MODES, Tracer, instruction, symbols_of

MOST_BYTES = 4096
SHOWN_STEPS = 50  # more steps than these run without a line for each
WHY = {
    "exit": "the guest ended itself, status {}", "reset": "the guest asked for a reset",
    "deadlock": "every hart waits for an event that cannot come (input may help)",
    "input": "every hart waits for input", "start": "the timeline begins here",
    "breakpoint": "breakpoint", "watchpoint": "watchpoint: this instruction is about to do it",
    "interrupted": "interrupted",
}  # fmt: skip


class Complaint(MinihvError):
    """A command that cannot be carried out; one line says why."""


class Session:
    """A machine that has its image loaded, its timeline, and what is looked at."""

    def __init__(self, machine: Machine, show: Callable[[str], None] = print):
        self.machine = machine
        self.timeline = Timeline(machine)
        self._show = show
        self.chosen: int | None = None
        self._line = bytearray()  # what the guest printed of a line so far
        machine.console.sink = self._guest_output
        self.symbols = symbols_of(machine)
        self._sorted = sorted((place, name) for name, place in self.symbols.items())

    @property
    def hart(self) -> Hart:
        """The hart that is looked at: the chosen one, or the one whose turn it is."""
        return self.machine.hart if self.chosen is None else self.machine.harts[self.chosen]

    # --- numbers ------------------------------------------------------------------------------

    def number(self, text: str, what: str = "an address") -> int:
        """The value of a sum such as ``main+0x10``, ``sp-8``, ``stval``; 0 .. 2**64 - 1."""
        if not re.fullmatch(r"[+-]?[^+-]+([+-][^+-]+)*", text):
            raise Complaint(f"{text!r} is not {what}")
        total = 0
        for sign, term in re.findall(r"([+-]?)([^+-]+)", text):
            total += -self._term(term, what) if sign == "-" else self._term(term, what)
        return total & MASK64

    def _term(self, term: str, what: str) -> int:
        if term.isdecimal() or re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", term):
            if len(term) <= 20:
                return int(term, 16 if term[:2] in ("0x", "0X") else 10)
        name = term.removeprefix("$")
        if name == "pc":
            return self.hart.pc
        if name in REGISTER_NUMBER:
            return self.hart.x[REGISTER_NUMBER[name]]
        if term in self.symbols:
            return self.symbols[term]
        if name in self.hart.csr:
            return self.hart.csr[name]
        raise Complaint(f"{term!r} is not {what}: no number, register, CSR or symbol of the guest")

    def count(self, words: Sequence[str], default: int, most: int = 1 << 62) -> int:
        """The number in `words`, or `default` where there is none."""
        if not words:
            return default
        value = self.number(words[0], "a number")
        if not 1 <= value <= most:
            raise Complaint(f"{words[0]} is not a number from 1 to {most}")
        return value

    # --- saying where ---------------------------------------------------------------------------

    def _guest_output(self, data: bytes) -> None:
        self._line += data
        while b"\n" in self._line:
            line, _, self._line = self._line.partition(b"\n")
            self._show("| " + one_line(line.decode("utf-8", "replace").rstrip("\r")))

    def end_line(self) -> None:
        if self._line:
            self._guest_output(b"\n")

    def name(self, place: int) -> str:
        """`` <symbol+offset>`` for an address, or nothing."""
        after = bisect_right(self._sorted, (place & MASK64, "\U0010ffff"))
        if not after:
            return ""
        start, name = self._sorted[after - 1]
        offset = (place & MASK64) - start
        if offset > 1 << 20:
            return ""
        return f" <{name}+{offset:#x}>" if offset else f" <{name}>"

    def tell(self, end: End) -> None:
        """Why a run stopped, and where."""
        self.end_line()
        if end.reason in WHY:
            self._show(WHY[end.reason].format(end.exit_status))
        where(self, ())

    def show(self, text: str) -> None:
        """A line of output."""
        self._show(text)


# --- moving -------------------------------------------------------------------------------------


def step(d: Session, words: Sequence[str]) -> None:
    """step [N]: execute N instructions; a trap counts as one"""
    n = d.count(words, 1)
    if n > SHOWN_STEPS:
        d.tell(d.timeline.step(n))
        return
    for _ in range(n):
        tracer = Tracer(d.machine, d.symbols)
        end = d.timeline.step()
        d.end_line()
        for line in tracer.lines(end):
            d.show(line)
        if end.reason not in ("budget", "trap"):
            d.tell(end)
            return
    where(d, ())


def back(d: Session, words: Sequence[str]) -> None:
    """back [N]: undo N steps"""
    d.tell(d.timeline.reverse_step(d.count(words, 1)))


def run(d: Session, words: Sequence[str]) -> None:
    """continue [N]: run on to the next stop, or for N instructions"""
    d.tell(d.timeline.run(d.count(words, 0) if words else None))


def run_back(d: Session, words: Sequence[str]) -> None:
    """reverse-continue: go back to the last stop before here"""
    d.tell(d.timeline.run_back())


def goto(d: Session, words: Sequence[str]) -> None:
    """goto TICK [TRAP]: go to an instant, back or forth, as `where` shows them"""
    if not words:
        raise Complaint("say which tick")
    numbers = [d.number(word, "a number") for word in words[:2]]
    d.tell(d.timeline.goto(Instant(*numbers)))


# --- stops --------------------------------------------------------------------------------------


def add_break(d: Session, words: Sequence[str]) -> None:
    """break [WHERE]: stop before the instruction there; alone, list what stops"""
    if words:
        d.machine.stops.add_breakpoint(d.number(words[0]))
        return
    stops = d.machine.stops
    for place in stops.breakpoints:
        d.show(f"break {place & MASK64:#x}{d.name(place)}")
    for gpa, size, kinds in stops.watches:
        d.show(f"watch p:{gpa:#x} {size} {kinds}")
    for csr in stops.csrs:
        d.show(f"watch {csr}")
    if not stops:
        d.show("nothing stops")


def watch(d: Session, words: Sequence[str]) -> None:
    """watch WHERE [BYTES] [r|w|rw] or watch CSR: stop before it is read (r) or written (w)"""
    if not words:
        raise Complaint("say what: an address or a CSR")
    if words[0] in NUMBER and words[0] not in d.symbols:
        d.machine.stops.watch_csr(words[0])
        return
    kinds = [word for word in words[1:] if word in ("r", "w", "rw")]
    sizes = [word for word in words[1:] if word not in kinds]
    gpa = physical(d, words[0])
    d.machine.stops.watch_memory(gpa, d.count(sizes, 8), kinds[0] if kinds else "w")
    d.show(f"watching guest-physical {gpa:#x}")


def delete(d: Session, words: Sequence[str]) -> None:
    """delete WHERE | CSR | all: take a stop away"""
    stops = d.machine.stops
    if not words:
        raise Complaint("say what: an address, a CSR, or all")
    if words[0] == "all":
        stops.clear()
    elif words[0] in stops.csrs:
        stops.unwatch_csr(words[0])
    elif i64(d.number(words[0].removeprefix("p:"))) in stops.breakpoints:
        stops.remove_breakpoint(d.number(words[0]))
    else:
        stops.unwatch_memory(physical(d, words[0]))


# --- looking ------------------------------------------------------------------------------------


def where(d: Session, words: Sequence[str]) -> None:
    """where: the instant, and the next instruction"""
    ticks, traps = d.timeline.position
    of = f", hart {d.hart.id} of {len(d.machine.harts)}" if len(d.machine.harts) > 1 else ""
    state = " (waits)" if d.hart.waiting else "" if d.hart.status == "started" else " (stopped)"
    d.show(f"at tick {ticks}, trap {traps}{of}{state}:{d.name(d.hart.pc)}")
    d.show(f"=> {instruction(d.hart, d.symbols)}")


def registers(d: Session, words: Sequence[str]) -> None:
    """registers: the integer registers, pc, mode"""
    for row in range(0, 32, 4):
        cells = (f"{REGISTERS[k]:>4} {d.hart.x[k] & MASK64:016x}" for k in range(row, row + 4))
        d.show("  ".join(cells))
    d.show(f"  pc {d.hart.pc & MASK64:016x}{d.name(d.hart.pc)}  mode {MODES[d.hart.priv]}")


def csrs(d: Session, words: Sequence[str]) -> None:
    """csrs [NAME...]: control and status registers by field; alone, those that are not 0"""
    for name in words or [name for name in d.hart.csr if d.hart.csr[name]]:
        if name not in d.hart.csr:
            raise Complaint(f"this machine has no CSR named {name!r}")
        value = d.hart.csr[name]
        fields = [f for f in inspect.csr_fields(name, value) if f.value or words]
        texts = [f"{f.name}={f.value:#x}{f.meaning and f' ({f.meaning})'}" for f in fields]
        d.show(f"{name:<12} {value:016x}  {', '.join(texts)}".rstrip())


def walk(d: Session, words: Sequence[str]) -> None:
    """walk WHERE [read|write|fetch]: follow an address through the page tables"""
    access = words[1] if len(words) > 1 else "read"
    if not words or access not in ("read", "write", "fetch"):
        raise Complaint("say: walk ADDRESS [read|write|fetch]")
    found = inspect.walk(d.hart, d.number(words[0]), access)
    for s in found.steps:
        pte = "?" if s.pte is None else f"{s.pte:016x} {s.bits}"
        entry = f"table {s.table:#x}[{s.index}] at {s.pte_address:#x}"
        d.show(f"level {s.level}: {entry}: {pte}  {s.verdict}")
    d.show(f"{found.va:#x}, a {access} from {MODES[found.privilege]}-mode: {found.verdict}")


def physical(d: Session, text: str) -> int:
    """The guest-physical address of WHERE."""
    if text.startswith("p:"):
        return d.number(text[2:])
    found = inspect.walk(d.hart, d.number(text))
    if found.pa is None:
        raise Complaint(f"{text}: {found.verdict}")
    return found.pa


def examine(d: Session, words: Sequence[str]) -> None:
    """x WHERE [BYTES]: memory, 16 bytes a line"""
    if not words:
        raise Complaint("say where")
    n = d.count(words[1:], 64, MOST_BYTES)
    start = d.number(words[0].removeprefix("p:"))
    for place in range(start, start + n, 16):
        data = _bytes(d, words[0].startswith("p:"), place & MASK64, min(16, start + n - place))
        texts = " ".join("??" if byte is None else f"{byte:02x}" for byte in data)
        signs = "".join(chr(b) if b is not None and 32 <= b < 127 else "." for b in data)
        d.show(f"{place & MASK64:016x}  {texts:<47}  {signs}")


def _bytes(d: Session, is_physical: bool, place: int, n: int) -> list[int | None]:
    """n bytes; None for each that is not RAM or not mapped."""
    memory = d.machine.memory
    found: list[int | None] = []
    for k in range(n):
        at = place + k & MASK64
        if is_physical:
            inside = memory.base <= at < memory.base + memory.size
            found.append(memory.read(at, 1)[0] if inside else None)
        else:
            found.append(inspect.peek_virtual(d.hart, at, 1))
    return found


def disassembly(d: Session, words: Sequence[str]) -> None:
    """disassembly [WHERE] [N]: N instructions there; alone, those around pc"""
    if words:
        n = d.count(words[1:], 10, MOST_BYTES // 4)
        place = d.number(words[0])
        code = around.fetchable(d.hart, place, 4 * n)
        if not code:
            verdict = inspect.walk(d.hart, place, "fetch").verdict
            raise Complaint(f"no code can be fetched at {place:#x}: {verdict}")
        lines = [*disassemble_range(code, place, d.symbols)][:n]
    else:
        lines = around.code_around(d.hart, symbols=d.symbols)
    for line in lines:
        mark = "=>" if line.pc == d.hart.pc & MASK64 else "  "
        d.show(f"{mark} {line.pc:016x}{d.name(line.pc):<24}  {line.text}")


def hart(d: Session, words: Sequence[str]) -> None:
    """hart [N | turn]: look at hart N, or at the one whose turn it is; alone, list them"""
    if words:
        chosen = None if words[0] == "turn" else d.number(words[0], "a hart")
        if chosen is not None and chosen >= len(d.machine.harts):
            raise Complaint(f"there are harts 0 to {len(d.machine.harts) - 1}")
        d.chosen = chosen
        return
    for one in d.machine.harts:
        state = "waits" if one.waiting else one.status
        mark = "*" if one is d.hart else " "
        d.show(f"{mark} hart {one.id}: {state}, clock {one.clock}, {instruction(one, d.symbols)}")


def give(d: Session, words: Sequence[str]) -> None:
    """input TEXT: a line of console input for the guest, which then has another future"""
    d.machine.feed(" ".join(words).encode("utf-8", "replace") + b"\n")


def console(d: Session, words: Sequence[str]) -> None:
    """console: all that the guest has printed by now"""
    for line in d.machine.console.output.decode("utf-8", "replace").splitlines():
        d.show("| " + one_line(line))


COMMANDS: dict[str, Callable[[Session, Sequence[str]], None]] = {
    "step": step, "back": back, "continue": run, "reverse-continue": run_back, "goto": goto,
    "break": add_break, "watch": watch, "delete": delete, "where": where, "registers": registers,
    "csrs": csrs, "walk": walk, "x": examine, "disassembly": disassembly, "hart": hart,
    "input": give, "console": console,
}  # fmt: skip
