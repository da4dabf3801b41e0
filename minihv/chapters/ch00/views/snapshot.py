"""A machine at one instant as plain data: what MachineView shows."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from minihv.asm import around
from minihv.asm.operands import REGISTERS
from minihv.devices.virt import Machine
from minihv.hw import inspect
from minihv.hw.bits import MASK64
from minihv.hw.causes import cause_name
from minihv.hw.hart import Hart

MODES = {0: "U", 1: "S", 2: "HS", 3: "M"}
SHOWN = {
    "S": ("sstatus", "stvec", "sepc", "scause", "stval", "sie", "sip", "satp"),
    "M": ("mstatus", "mtvec", "mepc", "mcause", "mtval", "mie", "mip", "medeleg", "mideleg"),
}
BEFORE, LINES = 7, 26       # lines before pc at most; lines of the listing
CONSOLE = 4000              # characters of the console's end
SPOKEN = {"MODE", "MPP", "SPP"}     # fields shown by meaning
TACIT = {"UXL", "SXL", "BASE"}  # fields that never change here, or that the value itself shows


class Symbols:
    """The guest's symbols, to name addresses."""

    def __init__(self, symbols: dict[str, int]):
        self.by_name = {name: value & MASK64 for name, value in symbols.items()}
        self._sorted = sorted((value, name) for name, value in self.by_name.items()
                              if not name.startswith((".L", "$")))
        self._values = [value for value, _ in self._sorted]

    def near(self, address: int) -> str:
        """``name`` or ``name+0x10``; "" if no symbol lies within 64 KiB before."""
        at = bisect_right(self._values, address) - 1
        if at < 0 or address - self._values[at] > 1 << 16:
            return ""
        value, name = self._sorted[at]
        return name if value == address else f"{name}+{address - value:#x}"

    def label(self, address: int) -> str:
        """Return the symbol at exactly this address, or ""."""
        name = self.near(address)
        return "" if "+" in name else name


def long(value: int) -> str:
    """Return a 64-bit value as 0x and 16 digits."""
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
    """Return the fields of a CSR that say something, such as ``MPP=S SPIE=1``."""
    if name in ("scause", "mcause"):        # 0 is a cause, too: but not before the first trap
        return cause_name(value) if value or hart.csr[name[0] + "epc"] else ""
    parts = []
    for field in inspect.csr_fields(name, value):
        spoken = field.name in SPOKEN and (field.value or field.name != "SPP")
        if field.name in TACIT or not (field.value or spoken):
            continue
        number = f"{field.value:#x}" if field.high - field.low > 7 else field.value
        parts.append(f"{field.name}={field.meaning if spoken else number}")
    return " ".join(parts)


def csrs(hart: Hart, before: dict[str, int]) -> list[dict[str, Any]]:
    """Return the CSRs of traps and translation with their fields; `was` as for registers."""
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
    """Return what changes are told from: registers and CSRs by name."""
    found = {name: hart.x[number] & MASK64 for number, name in enumerate(REGISTERS)}
    return found | {name: hart.csr[name] for names in SHOWN.values() for name in names}


def code(hart: Hart, symbols: Symbols, breakpoints: list[int]) -> list[dict[str, Any]]:
    """Return the listing around pc; empty if no instruction can be fetched at pc."""
    pc = hart.pc & MASK64
    lines = around.code_around(hart, BEFORE, LINES - 1, symbols.by_name)
    if all(line.pc != pc for line in lines):
        return []
    said = [k for k, line in enumerate(lines) if line.word or line.pc == pc]
    lines = lines[said[0] : said[-1] + 1]       # zeros around the program are no code
    return [{"pc": f"{line.pc:#x}", "word": f"{line.word:0{2 * line.size}x}", "text": line.text,
             "label": symbols.label(line.pc), "here": line.pc == pc,
             "breakpoint": line.pc in breakpoints} for line in lines[:LINES]]


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
