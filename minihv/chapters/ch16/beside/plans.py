"""Exercise 16.2's guest and plans: who hears what, before and after a snapshot.

The guest keeps what it hears in memory and a sum of it in a register.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from zlib import crc32

from minihv.asm import assemble
from minihv.cloud.micro import MicroVM
from minihv.devices.virt import Machine
from minihv.vmm import Host

HOST = 16 << 20
SUM = 18  # s2

GUEST = """
        li    s0, 0x4442434e
        la    s1, buffer
        li    s3, {history:#x}          # where what was heard is kept
        li    t0, 1 << 9
        csrw  sie, t0
again:  mv    a7, s0
        li    a6, 1
        li    a0, 64
        mv    a1, s1
        li    a2, 0
        ecall
        beqz  a1, sleep
        mv    s4, a1
        li    t0, 0
copy:   add   t1, s1, t0
        lbu   t2, 0(t1)
        add   s2, s2, t2                # the sum
        sb    t2, 0(s3)
        addi  s3, s3, {stride}
        addi  t0, t0, 1
        bltu  t0, s4, copy
        mv    a0, s4
        mv    a1, s1
        li    a2, 0
        li    a6, 0
        mv    a7, s0
        ecall
        j     again
sleep:  wfi
        j     again
        .balign 8
buffer:
"""


@dataclass(frozen=True)
class Plan:
    """Who hears what, in order: before and after the snapshot, then the clones in turn."""

    memory: int
    history: int
    stride: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    one: tuple[str, ...]
    two: tuple[str, ...]
    late: tuple[str, ...]

    def image(self) -> bytes:
        """Return the guest."""
        return assemble(GUEST.format(history=self.history, stride=self.stride)).elf()


def facts_of(machine: Machine) -> dict[str, Any]:
    """Return what is compared: console, sum, pages that are not 0 with a digest of each, size."""
    pages = {}
    for frame in range(machine.memory.size // 4096):
        page = machine.memory.read(machine.memory.base + frame * 4096, 4096)
        if any(page):
            pages[str(frame)] = sum((n + 1) * byte for n, byte in enumerate(page))
    return {"console": machine.console.output.decode("latin-1"), "sum": machine.harts[0].x[SUM],
            "pages": pages, "instructions": machine.instructions, "memory": machine.memory.size}


def hear(machine: Machine, words: Any) -> None:
    """Let the guest hear and answer each word; one that went astray is left alone."""
    for word in words:
        if machine.exits["slice"]:  # it ran to the end of its budget
            return
        machine.feed(word.encode("latin-1"))
        machine.run(400)


def drive(take: Callable, copy: Callable, plan: Plan) -> dict[str, Any]:
    """Carry a plan out with the learner's functions."""
    host = Host(HOST, engine="python")
    parent = MicroVM(plan.image(), boot="s", memory=plan.memory, host=host)
    parent.run(400)
    hear(parent, plan.before)
    taken = take(parent)
    if taken is None:
        return {"snapshot": "None"}
    size = size_of(taken)
    hear(parent, plan.after)
    vms = {"parent": parent}
    restored: dict[int, int] = {}  # by VM: a digest of its memory when its state was put back
    early = False

    def restore(vm: MicroVM, saved: Any) -> None:
        super(MicroVM, vm).restore(saved)
        restored[id(vm)] = crc32(vm.memory.bytes)

    for name in ("one", "two"):
        with patch.object(MicroVM, "restore", restore):
            vms[name] = copy(taken, host)
        if not isinstance(vms[name], MicroVM):
            return {"clone": type(vms[name]).__name__}
        if vms[name].host is not host:
            return {"elsewhere": True}
        digest = crc32(vms[name].memory.bytes)
        early |= restored.get(id(vms[name]), digest) != digest
    if len({id(vm) for vm in vms.values()}) < 3:
        return {"same": True}
    for k in range(max(len(plan.one), len(plan.two))):
        hear(vms["one"], plan.one[k : k + 1])
        hear(vms["two"], plan.two[k : k + 1])
    vms["late"] = copy(taken, host)
    hear(vms["late"], plan.late)
    return {"size": size, "early": early, **{name: facts_of(vm) for name, vm in vms.items()}}


def size_of(taken: Any) -> int:
    """Bytes that a snapshot holds, as far as that can be said; 0 if it cannot."""
    try:
        return len(pickle.dumps(taken))
    except Exception:  # what the learner chose may not be picklable
        return 0


def carried_out(call: Callable[..., list], answers: Sequence[Any], asked: Any) -> list:
    """Return an outcome for each plan."""
    plans = [Plan(*a[:3], *(tuple(words) for words in a[3:])) for a in asked]
    return [call(drive, answers[0], answers[1], plan) for plan in plans]
