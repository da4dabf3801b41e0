"""The world switch: a guest's registers go to the hart, and what it changed comes back.

Which register goes where follows from its row in `hw.registers`, by region. So a new register
travels as its row says, and only what changes its form on the way is written here.

For the compiled engine these functions are compiled as the machine's are (`Switch`).

    virtual CPU               a hart that runs it in       a hart that runs it in
    (a hart without H)        U-mode: trap and emulate     VS- and VU-mode: hardware assistance

    USER     x, pc, clock     <--> USER                    <--> USER
    KERNEL   priv, traps                                   <--> KERNEL
    TWIN     stvec, sepc                                   <--> VS_COPY  vstvec, vsepc
    VIRTUAL  mstatus                                       <--> vsstatus
             mie, mip                                      <--> the same, one bit further left
             time_offset                                    --> htimedelta
             menvcfg                                        --> henvcfg
             satp                                          <--  vsatp, if it is the guest's own
             all others                                    stay: an access is an exit
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minihv.hw import engine, native
from minihv.hw import state as st
from minihv.hw.registers import RESET, Whose, region
from minihv.hw.tlb import update_contexts
from minihv.hw.trap import refresh_timers

if TYPE_CHECKING:
    from minihv.hw.hart import Hart
    from minihv.vmm.vcpu import VCPU

USER, KERNEL, TWIN, VS_COPY = map(region, (Whose.USER, Whose.KERNEL, Whose.TWIN, Whose.VS_COPY))
GUEST = slice(USER.start, KERNEL.stop)  # USER and KERNEL are neighbours: one copy
FRESH = memoryview(np.array([RESET.get(k, 0) for k in range(KERNEL.start, KERNEL.stop)], np.int64))
DECIDING = st.SUM | st.MXR | st.MPRV | st.MPV | 3 << st.MPP_SHIFT
PLACES, WATCHED = slice(st.BREAKPOINT, st.WATCHPOINT), slice(st.CSR_WATCH, st.CSR_WATCH + 8)
SSI, STI = 1 << st.SSI, 1 << st.STI


# --- a guest in U-mode ----------------------------------------------------------------------------


def to_user(vcpu: VCPU, hart: Hart) -> bool:
    """Give the hart what the guest can touch without a trap.

    Return whether all is as at the last entry by which paging's tables are chosen: satp, privilege,
    those bits of mstatus, and that the hart still walks the same ones.
    """
    v, s = vcpu.s, hart.s
    s[USER] = v[USER]
    s[st.MISALIGNED] = v[st.MISALIGNED]
    reserved = v[st.RESERVATION]  # a gpa, or -1
    s[st.RESERVATION] = reserved if reserved < 0 else reserved + vcpu.memory.offset
    if v[st.BREAKPOINTS] or s[st.BREAKPOINTS]:
        copy_stops(v, s)
    status = v[st.MSTATUS] & DECIDING
    same = v[st.ENTERED] == v[st.SATP] and v[st.ENTERED + 1] == v[st.PRIV]
    same = same and v[st.ENTERED + 2] == status and v[st.ENTERED + 3] == s[st.SATP]
    v[st.ENTERED] = v[st.SATP]
    v[st.ENTERED + 1] = v[st.PRIV]
    v[st.ENTERED + 2] = status
    return same


def from_user(vcpu: VCPU, hart: Hart) -> None:
    """Take it back."""
    v, s = vcpu.s, hart.s
    v[USER] = s[USER]
    if s[st.BREAKPOINTS]:
        v[st.SKIP] = s[st.SKIP]
    reserved = s[st.RESERVATION]
    v[st.RESERVATION] = reserved if reserved < 0 else reserved - vcpu.memory.offset
    v[st.EXIT] = st.EXIT_NONE
    v[st.ENTERED + 3] = s[st.SATP]


def deprivilege(hart: Hart) -> None:
    """Put a hart that ran a guest in VS-mode into U-mode; nothing of that guest is left."""
    s = hart.s
    s[KERNEL] = FRESH  # PRIV is 0 in it
    s[st.VIRT] = s[st.MIE] = s[st.MIP_SOFT] = s[st.MIP_LINE] = s[st.HENVCFG] = 0
    s[st.CSR_WATCHES] = 0
    update_contexts(s, hart.tlb)


# --- a guest in VS- and VU-mode -------------------------------------------------------------------


def enter_guest_mode(hart: Hart) -> None:
    """Set what all guests of this mode have in common: the timer and the counters are theirs."""
    s = hart.s
    s[st.VIRT] = 1
    s[st.HCOUNTEREN] = st.COUNTERS
    s[st.HIDELEG] = st.GUEST_INTERRUPTS


def load(vcpu: VCPU, hart: Hart) -> None:
    """Load the guest's registers, its supervisor's as VS-mode's, its interrupts as by hvip."""
    v, s = vcpu.s, hart.s
    s[GUEST] = v[GUEST]
    s[VS_COPY] = v[TWIN]
    reserved = v[st.RESERVATION]  # a gpa, or -1
    s[st.RESERVATION] = reserved if reserved < 0 else reserved + vcpu.memory.offset
    s[st.VSSTATUS] = v[st.MSTATUS] & st.SSTATUS_WRITABLE | st.UXL
    s[st.HTIMEDELTA] = v[st.TIME_OFFSET]
    s[st.HENVCFG] = v[st.MENVCFG]
    pending = v[st.MIP_SOFT] | v[st.MIP_LINE] & ~STI
    s[st.MIP_SOFT] = (pending & st.SUPERVISOR_INTERRUPTS) << 1
    s[st.MIP_LINE] = (v[st.MIP_LINE] & STI) << 1  # its comparator is in vstimecmp
    s[st.MIE] = (v[st.MIE] & st.SUPERVISOR_INTERRUPTS) << 1
    if v[st.BREAKPOINTS] or v[st.CSR_WATCHES] or s[st.BREAKPOINTS] or s[st.CSR_WATCHES]:
        copy_stops(v, s)


def unload(vcpu: VCPU, hart: Hart) -> None:
    """Take back all that the guest can have changed."""
    v, s = vcpu.s, hart.s
    deadline, comparator = v[st.DEADLINE], v[st.STIMECMP]
    v[GUEST] = s[GUEST]
    v[TWIN] = s[VS_COPY]
    reserved = s[st.RESERVATION]
    v[st.RESERVATION] = reserved if reserved < 0 else reserved - vcpu.memory.offset
    sstatus, enabled = st.SSTATUS_WRITABLE, st.SUPERVISOR_INTERRUPTS
    v[st.MSTATUS] = v[st.MSTATUS] & ~sstatus | s[st.VSSTATUS] & sstatus
    v[st.MIE] = v[st.MIE] & ~enabled | s[st.MIE] >> 1 & enabled
    v[st.MIP_SOFT] = v[st.MIP_SOFT] & ~SSI | s[st.MIP_SOFT] >> 1 & SSI
    if not s[st.HSTATUS] & st.VTVM:  # satp is no exit
        v[st.SATP] = s[st.VSATP]
    if s[st.BREAKPOINTS] or s[st.CSR_WATCHES]:
        v[st.SKIP] = s[st.SKIP]
    if deadline != v[st.DEADLINE] or comparator != v[st.STIMECMP]:
        refresh_timers(v)


def copy_stops(v: memoryview, s: memoryview) -> None:
    """Let the hart stop at the guest's breakpoints, which are guest-virtual addresses.

    And at its accesses to watched CSRs, if those are no exits. What is watched in memory is not
    mapped, and so is an exit.
    """
    s[st.BREAKPOINTS] = v[st.BREAKPOINTS]
    s[st.CSR_WATCHES] = v[st.CSR_WATCHES]
    s[PLACES] = v[PLACES]
    s[WATCHED] = v[WATCHED]
    s[st.SKIP] = v[st.SKIP]


# --- the same, compiled ---------------------------------------------------------------------------

SWITCH = ("to_user", "from_user", "load", "unload")


class _Vectors(ast.NodeTransformer):
    """Writes functions of (vcpu, hart) as functions of both vectors: v and s."""

    names = {"hart.tlb": "tlb", "vcpu.memory.offset": "offset"}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # noqa: N802
        """The machine has a `load` of its own."""
        node.name = f"world.{node.name}" if node.name in SWITCH else node.name
        return self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:  # noqa: N802
        """What these functions take."""
        if [argument.arg for argument in node.args] in (["vcpu", "hart"], ["hart"]):
            node.args = [ast.arg(name) for name in ("v", "s", "tlb", "offset")]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:  # noqa: N802
        """`v, s = vcpu.s, hart.s` has nothing left to do."""
        return None if "hart.s" in ast.unparse(node.value) else self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:  # noqa: N802
        """Say what belongs to both by the names of the machine's arrays."""
        name = self.names.get(ast.unparse(node))
        return ast.Name(name, ast.Load()) if name else node


def _parts() -> list[native.Part]:
    here = sys.modules[__name__]
    tree = ast.parse(inspect.getsource(here))
    wanted = (*SWITCH, "copy_stops")
    functions: list[ast.stmt] = [_Vectors().visit(node) for node in tree.body
                                 if isinstance(node, ast.FunctionDef) and node.name in wanted]
    return [(ast.Module(functions, []), vars(here))]


LIBRARY = engine.Library(
    "switch", [f"world.{name}" for name in SWITCH], _parts, [Path(__file__)]
)  # fmt: skip


class Switch:
    """The world switch between a virtual CPU and a hart; its functions take nothing more."""

    to_user: Callable[[], int]
    from_user: Callable[[], int]
    load: Callable[[], int]
    unload: Callable[[], int]

    def __init__(self, vcpu: VCPU, hart: Hart, kind: str):
        self.hart = hart
        calls = engine.Calls(kind, LIBRARY, vcpu.memory.offset, v=vcpu.s, s=hart.s, tlb=hart.tlb)
        for name in SWITCH:
            plain = partial(globals()[name], vcpu, hart)
            setattr(self, name, getattr(calls, f"world.{name}") if kind == "jit" else plain)
        self.calls = calls  # owns what the functions refer to

