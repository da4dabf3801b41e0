"""The debugger's commands: each a function of the session and the words after its name.

Its docstring is its line in `help`. Addresses are guest-virtual, "p:" before one makes it
guest-physical.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minihv.asm import around
from minihv.asm.disassembler import disassemble_range
from minihv.asm.operands import REGISTERS
from minihv.devices.virt import Instant
from minihv.hw import inspect
from minihv.hw.bits import MASK64, i64
from minihv.hw.registers import NUMBER
from minihv.tools.debug.session import Complaint, Session
from minihv.tools.terminal import one_line
from minihv.tools.trace import MODES, Tracer, instruction

MOST_BYTES = 4096
SHOWN_STEPS = 50  # more steps than these run without a line for each


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
    d.where()


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
    gpa = d.physical(words[0])
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
        stops.unwatch_memory(d.physical(words[0]))


# --- looking ------------------------------------------------------------------------------------


def where(d: Session, words: Sequence[str]) -> None:
    """where: the instant, and the next instruction"""
    d.where()


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
    """Return n bytes; None for each that is not RAM or not mapped."""
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
