"""Whether two machines are in the same state: all of it, but for what DETAIL names."""

from __future__ import annotations

import random

import numpy as np

from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.registers import ROWS
from tests.hw.chaos import make_eager

# All that may differ: what was last "written to x0" (compiled regions drop such writes), and until
# when the host last let the hart run. Not even the TLB may. Outside of the state vector, regions
# show in the decode cache and its page flag.
DETAIL = (st.SINK, st.STOP)
NAMES = {row.slot: row.name for row in ROWS} | {
    slot: name for name, slot in vars(st).items()
    if isinstance(slot, int) and name.isupper() and st.EXIT <= slot < st.SLOTS
}  # fmt: skip
KINDS = ("jit", "hot", "pieces", "mixed")  # ways to run that must end as one run of "python" does


def differences(a: Machine, b: Machine) -> list[str]:
    """What differs between two machines; the empty list where nothing does."""
    found = []
    for x, y in zip(a.harts, b.harts, strict=True):
        for slot in np.nonzero(x.state != y.state)[0]:
            if slot not in DETAIL:
                name = NAMES.get(int(slot), slot)
                found.append(f"hart {x.id} {name}: {x.state[slot]:#x} {y.state[slot]:#x}")
        if (x.tlb_array != y.tlb_array)[: st.TLB_SLOTS].any():
            found.append(f"hart {x.id}: TLB")
        if x.status != y.status:
            found.append(f"hart {x.id}: {x.status} {y.status}")
    for place in np.nonzero(a.memory.bytes != b.memory.bytes)[0][:5]:
        found.append(f"RAM at {a.memory.base + int(place):#x}")
    flags = 0xFF & ~st.PAGE_REGION
    if ((a.memory.flags ^ b.memory.flags) & flags).any():
        found.append("page flags")
    if a.console.output != b.console.output:
        found.append("console")
    assert a.devices.keys() == b.devices.keys()
    found += [name for name in a.devices if a.devices[name].save() != b.devices[name].save()]
    if (a.ended, a.executed, a.instant) != (b.ended, b.executed, b.instant):
        found.append(f"end: {a.ended, a.instant} {b.ended, b.instant}")
    return found


def run_as(machine: Machine, kind: str, ticks: int, seed: int = 0) -> Machine:
    """Run for `ticks` executed ticks in one of the KINDS, or "python"; returns the machine.

    "hot": what runs is translated at once. "pieces": in random pieces. "mixed": in random pieces,
    each by an engine chosen at random.
    """
    chosen = random.Random(seed)
    if kind in ("hot", "mixed"):
        make_eager(machine, machine.rounds.slice)
    goal = machine.executed + ticks
    while machine.executed < goal and machine.ended is None:
        piece = goal - machine.executed
        if kind in ("pieces", "mixed"):
            piece = min(piece, chosen.choice((1, 2, 3, 7, 30, 200, 1000)))
        if kind == "mixed":
            for hart in machine.harts:
                hart.use(chosen.choice(("python", "jit")))
        if machine.run(piece).reason != "budget":
            break
    return machine
