"""Page tables of guest and hypervisor as plain data: what PagingExplorer shows.

Reading changes nothing. Each path holds one row a level; a row's `kind` is "pointer", "leaf" or
"none". The guest's tables are read from its memory (gpa), the hypervisor's from the host's (hpa).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minihv.chapters.ch01 import pages
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault
from minihv.hw.memory import Memory
from minihv.hw.pagewalk import pte_bits
from minihv.vmm.vm import VM

PPN = (1 << 44) - 1
SIZES = ("4 KiB", "2 MiB", "1 GiB")
PAGES = 512  # of one leaf table: what the map shows
# What a cell of the map says about its page.
NOTHING, LACKING, FILLED, READ_ONLY, STALE, FORBIDDEN = "ngbrsk"

Read = Callable[[int], int | None]


def reader(memory: Memory) -> Read:
    """`memory` as a walk reads it: None outside of RAM."""

    def read(address: int) -> int | None:
        try:
            return memory.read_u64(address)
        except AccessFault:
            return None

    return read


def path(read: Read, root: int | None, va: int) -> list[dict[str, Any]]:
    """Return the PTEs on the way to `va` in the tables at physical `root`, as rows."""
    rows: list[dict[str, Any]] = []
    table = root
    for level in (2, 1, 0):
        if table is None:
            break
        index = va >> 12 + 9 * level & 511
        at = table + 8 * index
        pte = read(at)
        known = pte is not None and pte & pages.V
        leaf = known and pages.leaf(pte or 0)
        rows.append({
            "level": level, "index": index, "at": f"{at:#x}", "pte": pte or 0,
            "bits": pte_bits(pte or 0) if known else "", "size": SIZES[level],
            "kind": "leaf" if leaf else "pointer" if known else "none",
            "to": f"{pages.target(pte or 0):#x}" if known else "",
        })  # fmt: skip
        table = pages.target(pte or 0) if known and not leaf else None
    return rows


def end(rows: list[dict[str, Any]], va: int) -> int | None:
    """Return the address that a path leads to; None if it ends without a leaf."""
    if not rows or rows[-1]["kind"] != "leaf":
        return None
    inside = (1 << 12 + 9 * rows[-1]["level"]) - 1
    return pages.target(rows[-1]["pte"]) & ~inside | va & inside


def guest_root(vm: VM) -> int | None:
    """Return where the guest's own tables begin (gpa); None while it translates nothing."""
    satp = vm.harts[0].csr["satp"]
    return (satp & PPN) << 12 if satp >> 60 else None


def shadows(vm: VM) -> dict[Any, Any]:
    """Return the shadow tables of a VM by what they are for; none if its paging has none."""
    return getattr(vm.paging, "tables", {})


def shadow_root(vm: VM, priv: int | None = None) -> int | None:
    """Return where a shadow table begins (hpa): the one that the hart walks, or that in which the
    present address space runs in mode `priv`. None if it does not exist or was dropped."""
    if priv is not None:
        satp = vm.harts[0].csr["satp"]
        for key, table in reversed(list(shadows(vm).items())):  # the one used last
            if isinstance(key, tuple) and key[0] & MASK64 == satp and key[1] == priv:
                return table.root
        return None
    s = vm.physical.s
    root = (s[st.VSATP if s[st.VIRT] else st.SATP] & PPN) << 12
    alive = {table.root for table in shadows(vm).values()}
    return root if root in alive else None


def protects(vm: VM, gpa: int) -> bool:
    """Tell if the hypervisor keeps the guest from writing there."""
    return bool(getattr(vm.paging, "protects", vm.memory.protects)(gpa))


# --- the map of one leaf table ------------------------------------------------------------------


def leaves(read: Read, root: int | None, va: int) -> list[int]:
    """Return the 512 leaf PTEs around `va`, 0 if there is none; superpages in pieces."""
    rows = path(read, root, va & -(1 << 21))
    if len(rows) < 2 or rows[-1]["kind"] == "none" and rows[-1]["level"]:
        return [0] * PAGES
    last = rows[-1]
    if last["kind"] == "leaf" and last["level"]:
        first = end(rows, va & -(1 << 21)) or 0
        flags = last["pte"] & 0x3FF
        return [(first >> 12) + n << 10 | flags for n in range(PAGES)]
    table = int(last["at"], 16) & -4096
    found = (read(table + 8 * n) or 0 for n in range(PAGES))
    return [pte if pte & pages.V else 0 for pte in found]


def cell(guest: int, shadow: int, priv: int, offset: int, status: int) -> str:
    """Return what the map says of a page with these leaf PTEs, for a guest in mode `priv`."""
    if guest == 0:
        return STALE if shadow else NOTHING
    if shadow and pages.target(shadow) != pages.target(guest) + offset:
        return STALE
    if shadow:
        return READ_ONLY if guest & pages.W and not shadow & pages.W else FILLED
    user = bool(guest & pages.U)
    if user == (priv == 0) or (user and status & st.SUM):
        return LACKING
    return FORBIDDEN


def region(vm: VM, va: int, root: int | None, priv: int) -> str:
    """Return a letter for each of the 512 pages around `va`, by the shadow table at `root`."""
    ours, theirs = reader(vm.physical.memory), reader(vm.memory)
    guest, shadow = leaves(theirs, guest_root(vm), va), leaves(ours, root, va)
    offset, status = vm.memory.offset, vm.harts[0].s[st.MSTATUS]
    return "".join(cell(g, s, priv, offset, status) for g, s in zip(guest, shadow, strict=True))


def second_stage(vm: VM, gpa: int | None) -> dict[str, Any]:
    """Return the path of a gpa through the G-stage of a VM with nested paging."""
    root = (vm.physical.s[st.HGATP] & PPN) << 12
    if not root or gpa is None:
        return {"root": root or None, "rows": [], "hpa": None}
    rows = path(reader(vm.physical.memory), root, gpa)
    return {"root": root, "rows": rows, "hpa": end(rows, gpa)}


# --- all of it ----------------------------------------------------------------------------------


def both(vm: VM, va: int, priv: int, chosen: bool = False) -> dict[str, Any]:
    """Return the paths of `va` through the guest's and the shadow table, and the map around it.

    For a guest in mode `priv`; chosen: by the table of that mode, not by that which the hart walks.
    """
    va &= MASK64
    guest = path(reader(vm.memory), guest_root(vm), va)
    for row in guest:
        row["protected"] = protects(vm, int(row["at"], 16))
    root = shadow_root(vm, priv if chosen else None)
    shadow = path(reader(vm.physical.memory), root, va)
    gpa, hpa = end(guest, va), end(shadow, va)
    offset = vm.memory.offset
    return {"va": va, "guest": guest, "shadow": shadow, "gpa": gpa, "hpa": hpa,
            "wanted": None if gpa is None else gpa + offset, "offset": offset,
            "guest_root": guest_root(vm), "shadow_root": root,
            "cells": region(vm, va, root, priv), "tables": len(shadows(vm))}  # fmt: skip
