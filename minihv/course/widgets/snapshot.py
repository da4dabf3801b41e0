"""A machine at one instant as plain data: what MachineView shows."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from minihv.course.widgets.pagewalk import translate
from minihv.devices.virt import Machine
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault
from minihv.hw.csrnames import FIELDS, cause_name
from minihv.hw.disasm import disassemble_range
from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE
from minihv.hw.operands import REGISTERS

MODES = {0: "U", 1: "S", 2: "HS", 3: "M"}
SHOWN = {
    "S": ("sstatus", "stvec", "sepc", "scause", "stval", "sie", "sip", "satp"),
    "M": ("mstatus", "mtvec", "mepc", "mcause", "mtval", "mie", "mip", "medeleg", "mideleg"),
}
BEFORE, LINES = 28, 26      # bytes listed before pc at most; lines of the listing
CONSOLE = 4000              # characters of the console's end
ENCODED = {("satp", "MODE"): {0: "Bare", 8: "Sv39"}, ("mstatus", "MPP"): MODES,
           ("mstatus", "SPP"): MODES, ("sstatus", "SPP"): MODES,
           ("stvec", "MODE"): {0: "Direct", 1: "Vectored"},
           ("mtvec", "MODE"): {0: "Direct", 1: "Vectored"}}
TACIT = {"UXL", "SXL"}      # fields that never change here


class Symbols:
    """The guest's symbols, to name addresses."""

    def __init__(self, symbols: dict[str, int]):
        self.by_name = {name: value & MASK64 for name, value in symbols.items()}
        self._sorted = sorted((value, name) for name, value in self.by_name.items()
                              if not name.startswith((".L", "$")))
        self._values = [value for value, _ in self._sorted]

    def near(self, address: int) -> str:
        """``name`` or ``name+0x10``; "" where no symbol lies within 64 KiB before."""
        at = bisect_right(self._values, address) - 1
        if at < 0 or address - self._values[at] > 1 << 16:
            return ""
        value, name = self._sorted[at]
        return name if value == address else f"{name}+{address - value:#x}"

    def label(self, address: int) -> str:
        """The symbol that stands exactly there, or ""."""
        name = self.near(address)
        return "" if "+" in name else name


def long(value: int) -> str:
    """A 64-bit value as 0x and 16 digits."""
    return f"0x{value & MASK64:016x}"


def registers(hart: Hart, before: dict[str, int]) -> list[dict[str, Any]]:
    """x0 to x31; `was` holds the earlier value where that differs."""
    rows = []
    for number, name in enumerate(REGISTERS):
        value = hart.x[number] & MASK64
        old = before.get(name, value)
        rows.append({"name": name, "number": f"x{number}", "value": long(value),
                     "was": long(old) if old != value else None})
    return rows


def _fields(hart: Hart, name: str, value: int) -> str:
    """The fields of a CSR that are not zero, such as ``MPP=S SPIE=1``."""
    if name in ("scause", "mcause"):
        return cause_name(value) if value or hart.csr[name[0] + "epc"] else ""
    parts = []
    for field in FIELDS.get(name, ()):
        content = field.of(value)
        encoded = ENCODED.get((name, field.name))
        if field.name in TACIT or (content == 0 and not (encoded and field.name != "SPP")):
            continue
        wide = field.width > 8
        shown = encoded.get(content, content) if encoded else (
            f"{content:#x}" if wide else content)
        parts.append(f"{field.name}={shown}")
    return " ".join(parts)


def csrs(hart: Hart, before: dict[str, int]) -> list[dict[str, Any]]:
    """The CSRs of traps and translation with their fields; `was` as for registers."""
    rows = []
    for mode, names in SHOWN.items():
        for name in names:
            value = hart.csr[name]
            old = before.get(name, value)
            rows.append({"name": name, "mode": mode, "value": long(value),
                         "fields": _fields(hart, name, value),
                         "was": long(old) if old != value else None})
    return rows


def values(hart: Hart) -> dict[str, int]:
    """What changes are told from: registers and CSRs by name."""
    found = {name: hart.x[number] & MASK64 for number, name in enumerate(REGISTERS)}
    return found | {name: hart.csr[name] for names in SHOWN.values() for name in names}


def _bytes(hart: Hart, start: int, size: int) -> bytes:
    """Bytes of code from virtual `start`, up to the first that cannot be fetched."""
    found = b""
    while len(found) < size:
        at = start + len(found)
        part = min(size - len(found), PAGE - at % PAGE)
        pa = translate(hart, at, "fetch")
        try:
            found += hart.memory.read(-1 if pa is None else pa, part)
        except AccessFault:
            break
    return found


def _first(hart: Hart, pc: int) -> int:
    """Where to start listing, so that an instruction begins exactly at pc."""
    for start in range(max(pc - BEFORE, 0), pc, 2):
        lines = list(disassemble_range(_bytes(hart, start, pc - start), start))
        cut = any(line.text.startswith(".") for line in lines)
        if lines and lines[-1].pc + lines[-1].size == pc and not cut:
            return start
    return pc


def code(hart: Hart, symbols: Symbols, breakpoints: list[int]) -> list[dict[str, Any]]:
    """The listing around pc; empty where no instruction can be fetched at pc."""
    pc = hart.pc & MASK64
    start = _first(hart, pc)
    data = _bytes(hart, start, 4 * LINES)
    rows: list[dict[str, Any]] = []
    for line in disassemble_range(data, start, symbols.by_name):
        if len(rows) == LINES or line.pc + line.size > start + len(data):
            break
        rows.append({"pc": f"{line.pc:#x}", "word": f"{line.word:0{2 * line.size}x}",
                     "text": line.text, "label": symbols.label(line.pc), "here": line.pc == pc,
                     "breakpoint": line.pc in breakpoints})
    return rows if start + len(data) > pc else []


def machine_state(machine: Machine, hart: Hart, before: dict[str, int], symbols: Symbols,
                  breakpoints: list[int]) -> dict[str, Any]:
    """Everything about one hart of `machine` that the view shows, ready for JSON."""
    pc = hart.pc & MASK64
    output = bytes(machine.console.output).decode("utf-8", "replace")
    return {
        "hart": hart.id, "harts": len(machine.harts), "priv": MODES[hart.priv],
        "pc": long(pc), "symbol": symbols.near(pc), "registers": registers(hart, before),
        "csrs": csrs(hart, before), "code": code(hart, symbols, breakpoints),
        "console": output[-CONSOLE:], "breakpoints": [f"{at:#x}" for at in breakpoints],
    }
