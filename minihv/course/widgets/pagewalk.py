"""A Sv39 page-table walk, told step by step (Privileged ISA 20240411, section 10.3.2).

The tables are read through a function, so that a walk can be told over a hart's memory or over
tables that a learner wrote down; nothing is changed by telling it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault
from minihv.hw.csrnames import Field, cause_name
from minihv.hw.hart import Hart
from minihv.hw.mmu import LEVELS, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X

SV39 = 8       # satp.MODE
PAGE_FAULT = {"load": st.LOAD_PAGE_FAULT, "store": st.STORE_PAGE_FAULT,
              "fetch": st.FETCH_PAGE_FAULT}
ACCESS_FAULT = {"load": st.LOAD_ACCESS, "store": st.STORE_ACCESS, "fetch": st.FETCH_ACCESS}
PTE_FIELDS = (Field("N", 63, 1), Field("PBMT", 61, 2), Field("Reserved", 54, 7),
              Field("PPN", 10, 44), Field("RSW", 8, 2), *(
                  Field(name, 7 - k, 1) for k, name in enumerate("DAGUXWRV")))
SIZES = {0: "4 KiB", 1: "2 MiB", 2: "1 GiB"}


@dataclass(frozen=True)
class Regime:
    """What decides over a walk beside the address: satp's root and the state of the hart."""

    read: Callable[[int], int | None]   # physical address -> PTE; None where there is no memory
    root: int                           # physical address of the level 2 table
    user: bool = False                  # U-mode, else S-mode
    sum: bool = False
    mxr: bool = False
    svade: bool = False


def regime_of(hart: Hart, user: bool) -> Regime:
    """A hart's translation as it stands now; ConfigError while satp says Bare."""
    satp = hart.s[st.SATP]
    if satp >> 60 & 15 != SV39:
        raise ConfigError("satp selects no paging (mode Bare): run the guest until it sets Sv39")

    def read(address: int) -> int | None:
        try:
            return hart.memory.read_u64(address)
        except AccessFault:
            return None

    status = hart.s[st.MSTATUS]
    return Regime(read, (satp & (1 << 44) - 1) << 12, user, bool(status & st.SUM),
                  bool(status & st.MXR), bool(hart.s[st.SVADE]))


def translate(hart: Hart, va: int, access: str) -> int | None:
    """The physical address of `va` for the hart's own mode; None where that faults."""
    if hart.priv == 3 or hart.s[st.SATP] == 0:
        return va
    pa = tell(va, access, regime_of(hart, hart.priv == 0))["pa"]
    return None if pa is None else int(pa, 16)


def _entry_fault(pte: int, level: int) -> tuple[str, str] | None:
    """Why a PTE can be used neither as pointer nor as leaf: reason and the bit to blame."""
    if not pte & PTE_V:
        return "V", "V"
    if pte & PTE_W and not pte & PTE_R:
        return "W", "W"
    if pte >> 54:
        return "reserved", "N" if pte >> 63 else "PBMT" if pte >> 61 else "Reserved"
    if not pte & (PTE_R | PTE_X):
        if pte & (PTE_U | PTE_A | PTE_D):
            return "pointer", "U" if pte & PTE_U else "A" if pte & PTE_A else "D"
        if level == 0:
            return "deep", "R"
    return None


def _leaf_fault(pte: int, level: int, access: str, regime: Regime) -> tuple[str, str] | None:
    """Why a leaf does not allow `access`, or None."""
    if regime.user and not pte & PTE_U:
        return "U_user", "U"
    if not regime.user and pte & PTE_U and (access == "fetch" or not regime.sum):
        return "U_super", "U"
    if access == "fetch" and not pte & PTE_X:
        return "X", "X"
    if access == "store" and not pte & PTE_W:
        return "write", "W"
    if access == "load" and not pte & PTE_R and not (regime.mxr and pte & PTE_X):
        return "R", "R"
    if pte >> 10 & ((1 << 9 * level) - 1):
        return "superpage", "PPN"
    if regime.svade and not pte & PTE_A:
        return "A", "A"
    if regime.svade and access == "store" and not pte & PTE_D:
        return "D", "D"
    return None


def split(va: int) -> list[dict[str, Any]]:
    """The parts of an address, high to low: extension, VPN[2..0], offset."""
    parts = [("ext", 39, 25), *((f"VPN[{k}]", 12 + 9 * k, 9) for k in (2, 1, 0)),
             ("offset", 0, 12)]
    return [{"name": name, "high": low + width - 1, "low": low,
             "value": va >> low & (1 << width) - 1,
             "binary": f"{va >> low & (1 << width) - 1:0{width}b}"} for name, low, width in parts]


def _step(level: int, table: int, index: int, pte: int | None) -> dict[str, Any]:
    fields = [] if pte is None else [
        {"name": field.name, "high": field.low + field.width - 1, "low": field.low,
         "value": f"{field.of(pte):#x}" if field.width > 2 else f"{field.of(pte):0{field.width}b}"}
        for field in PTE_FIELDS]
    return {"level": level, "table": f"{table:#x}", "index": index, "at": f"{table + index * 8:#x}",
            "pte": None if pte is None else f"0x{pte:016x}", "fields": fields, "kind": "pointer",
            "why": "", "bit": "", "next": ""}


def _neighbour(regime: Regime, at: str, index: int, by: int) -> str | None:
    """The entry before or behind, None where the table ends."""
    pte = regime.read(int(at, 16) + 8 * by) if 0 <= index < 512 else None
    return None if pte is None else f"0x{pte:016x}"


def tell(va: int, access: str, regime: Regime) -> dict[str, Any]:
    """The walk for `va` as plain data: its parts, its steps, and `pa` or the fault's `cause`.

    access: "load", "store" or "fetch". A step's `kind` is "pointer", "leaf" or "fault"; `why` and
    `bit` then say what was wrong where.
    """
    va &= MASK64
    told: dict[str, Any] = {"va": f"0x{va:016x}", "access": access, "root": f"{regime.root:#x}",
                            "mode": "U" if regime.user else "S", "split": split(va), "steps": [],
                            "pa": None, "cause": None, "why": ""}
    if va >> 38 not in (0, (1 << 26) - 1):
        return told | {"cause": cause_name(PAGE_FAULT[access]), "why": "canonical"}
    table = regime.root
    for level in range(LEVELS - 1, -1, -1):
        step = _step(level, table, va >> 12 + 9 * level & 511,
                     regime.read(table + (va >> 12 + 9 * level & 511) * 8))
        step["near"] = [_neighbour(regime, step["at"], step["index"] + by, by) for by in (-1, 1)]
        told["steps"].append(step)
        if step["pte"] is None:
            step |= {"kind": "fault", "why": "memory"}
            return told | {"cause": cause_name(ACCESS_FAULT[access]), "why": "memory"}
        pte = int(step["pte"], 16)
        leaf = pte & (PTE_R | PTE_X) != 0
        wrong = _entry_fault(pte, level) or (
            _leaf_fault(pte, level, access, regime) if leaf else None)
        if wrong:
            step |= {"kind": "fault", "why": wrong[0], "bit": wrong[1]}
            return told | {"cause": cause_name(PAGE_FAULT[access]), "why": wrong[0]}
        table = (pte >> 10 & (1 << 44) - 1) << 12
        step["next"] = f"{table:#x}"
        if leaf:
            step |= {"kind": "leaf", "size": SIZES[level]}
            within = va & (1 << 12 + 9 * level) - 1
            return told | {"pa": f"{table | within:#x}", "frame": f"{table:#x}",
                           "offset": f"{within:#x}"}
    raise AssertionError("level 0 holds a leaf or faults")
