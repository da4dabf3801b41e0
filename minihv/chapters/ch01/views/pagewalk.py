"""A Sv39 page-table walk as plain data: what PageWalkView shows.

The rules are those of `ch01.pages`; here they get the bits of each PTE and the bit to blame.
Telling a walk changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minihv.chapters.ch01 import pages
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault
from minihv.hw.causes import cause_name
from minihv.hw.hart import Hart
from minihv.hw.registers import Field

SV39 = 8        # satp.MODE
ACCESSES = (pages.LOAD, pages.STORE, pages.FETCH)
PTE_FIELDS = (Field("N", 63, 1), Field("PBMT", 61, 2), Field("Reserved", 54, 7),
              Field("PPN", 10, 44), Field("RSW", 8, 2), *(
                  Field(name, 7 - k, 1) for k, name in enumerate("DAGUXWRV")))
# The bit to blame for each rule of `pages` that can end a walk at a PTE.
BLAME = {"valid": "V", "write_only": "W", "depth": "R", "misaligned": "PPN", "user": "U",
         "sum_fetch": "U", "no_sum": "U", "execute": "X", "write": "W", "read": "R",
         "accessed": "A", "dirty": "D"}
SIZES = {0: "4 KiB", 1: "2 MiB", 2: "1 GiB"}

Read = Callable[[int], int | None]


def regime_of(hart: Hart, user: bool) -> tuple[Read, pages.Regime, bool]:
    """Return a hart's translation as it is now: its memory, what decides, whether A and D trap.

    ConfigError while satp says Bare.
    """
    satp = hart.s[st.SATP] & MASK64
    if satp >> 60 != SV39:
        raise ConfigError("satp selects no paging (mode Bare): run the guest until it sets Sv39")

    def read(address: int) -> int | None:
        try:
            return hart.memory.read_u64(address)
        except AccessFault:
            return None

    status = hart.s[st.MSTATUS]
    regime = pages.Regime(satp, 0 if user else 1, bool(status & st.SUM), bool(status & st.MXR))
    return read, regime, bool(hart.s[st.SVADE])


def _marking(read: Read, access: str) -> Read:
    """Memory as a walker leaves it that sets A and D itself, instead of faulting."""
    bits = pages.A | pages.D if access == pages.STORE else pages.A

    def marked(address: int) -> int | None:
        pte = read(address)
        return pte if pte is None or not pages.leaf(pte) else pte | bits

    return marked


def split(va: int) -> list[dict[str, Any]]:
    """Return the parts of an address, high to low: extension, VPN[2..0], offset."""
    parts = [("ext", 39, 25), *((f"VPN[{k}]", 12 + 9 * k, 9) for k in (2, 1, 0)),
             ("offset", 0, 12)]
    return [{"name": name, "high": low + width - 1, "low": low,
             "value": va >> low & (1 << width) - 1,
             "binary": f"{va >> low & (1 << width) - 1:0{width}b}"} for name, low, width in parts]


def pte_fields(pte: int) -> list[dict[str, Any]]:
    """Return the fields of a PTE, high to low; one or two bits as binary, more as hexadecimal."""
    return [{"name": field.name, "high": field.low + field.width - 1, "low": field.low,
             "value": f"{field.of(pte):#x}" if field.width > 2 else
             f"{field.of(pte):0{field.width}b}"} for field in PTE_FIELDS]


def _blamed(why: str, pte: int) -> str:
    if why == "reserved":
        return "N" if pte >> 63 else "PBMT" if pte >> 61 else "Reserved"
    if why == "pointer_bits":
        return next(name for name, bit in (("U", pages.U), ("A", pages.A), ("D", pages.D))
                    if pte & bit)
    return BLAME.get(why, "")


def _digits(pte: int | None) -> str | None:
    return None if pte is None else f"0x{pte:016x}"


def _step(read: Read, level: int, at: int) -> dict[str, Any]:
    """Return the entry at physical address `at`, with its neighbours in the table."""
    index, pte = at >> 3 & 511, read(at)
    return {"level": level, "table": f"{at & -4096:#x}", "index": index, "at": f"{at:#x}",
            "pte": _digits(pte), "fields": [] if pte is None else pte_fields(pte),
            "near": [_digits(read(at + 8 * by)) if 0 <= index + by < 512 else None
                     for by in (-1, 1)],
            "kind": "pointer", "why": "", "bit": "", "size": SIZES[level],
            "next": "" if pte is None else f"{pages.target(pte):#x}"}


def tell(va: int, access: str, read: Read, regime: pages.Regime, svade: bool) -> dict[str, Any]:
    """Return the walk of `va` as plain data: parts, steps, and `pa` or the fault's `cause`.

    access: "load", "store" or "fetch". A step's `kind` is "pointer", "leaf" or "fault"; `why` and
    `bit` then say what was wrong where.
    """
    va &= MASK64
    walk = pages.walk(read if svade else _marking(read, access), regime, va, access)
    root = (regime.satp & (1 << 44) - 1) << 12
    places = [(step.level, step.address) for step in walk.steps]
    if walk.why == "outside":       # the PTE that could not be read is a step of the story, too
        table = pages.target(walk.steps[-1].pte) if walk.steps else root
        level = 2 - len(places)
        places.append((level, table + (va >> 12 + 9 * level & 511) * 8))
    steps = [_step(read, level, at) for level, at in places]
    told = {"va": f"0x{va:016x}", "access": access, "root": f"{root:#x}", "split": split(va),
            "mode": "S" if regime.priv else "U", "steps": steps, "pa": None, "why": walk.why,
            "cause": None if walk.cause is None else cause_name(walk.cause)}
    if walk.pa is not None:
        steps[-1]["kind"] = "leaf"
        inside = (1 << 12 + 9 * steps[-1]["level"]) - 1
        return told | {"pa": f"{walk.pa:#x}", "frame": f"{walk.pa & ~inside:#x}",
                       "offset": f"{walk.pa & inside:#x}"}
    if steps:
        pte = int(steps[-1]["pte"] or "0", 16)
        steps[-1] |= {"kind": "fault", "why": walk.why, "bit": _blamed(walk.why, pte)}
    return told
