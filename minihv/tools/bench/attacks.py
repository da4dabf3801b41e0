"""What the dearest instructions cost: guests that do one costly thing over and over.

Each row is a loop; its figure is the seconds that a million of the loop's instructions take. For
comparison, "page fills" is the dearest of the ordinary exits. No row may grow with the number of
address spaces, tables or harts that the guest has.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from minihv.asm.assembler import assemble
from minihv.vmm.run import PAIRS, new_machine

MEMORY = 16 << 20
HARTS = 8
SPACES = 400  # more than shadow tables have room for
BARE, DEPRIVILEGED = 1_000_000, 10_000  # instructions that are timed

# All of RAM by one gigapage, and a space for each ASID, each of which has touched a page.
SUPERVISOR = f"""
    la t0, handler
    csrw stvec, t0
    li s2, 0x80100000
    li t1, 0x200000CF
    sd t1, 16(s2)
    li s3, 0x8000000000080100
    li s4, {SPACES}
each:
    slli t0, s4, 44
    or t0, t0, s3
    csrw satp, t0
    ld t1, (s2)
    addi s4, s4, -1
    bnez s4, each
    csrw satp, s3
    li s5, 0x80700000
    li s6, 999
    li s8, 0x80100ff8
    li s9, 0x80100010
    li s10, 0x40000
    li s11, 4096
"""
MACHINE = """
    la t0, handler
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t1, 0x1f
    li t2, 0x1b
    csrw pmpcfg0, t1
"""
FILLS = "page fills"
FILL = """
    li t0, 0x80200000
    li t1, 1000
1:  ld t2, (t0)
    add t0, t0, s11
    addi t1, t1, -1
    bnez t1, 1b
    sfence.vma
"""
REMOTE = """
    li a7, 0x52464E43
    li a6, 1
    li a0, 0xff
    li a1, 0
    li a2, 0
    li a3, -1
    ecall
"""
SWITCHES = f"""
    li s4, {SPACES}
1:  slli t0, s4, 44
    or t0, t0, s3
    csrw satp, t0
    addi s4, s4, -1
    bnez s4, 1b
"""
LOOPS = {  # its code, how often in a loop
    FILLS: (FILL, 1),
    f"sfence.vma of one page, {SPACES} spaces": ("sfence.vma s5", 64),
    "sfence.vma of a space that is not there": ("sfence.vma x0, s6", 64),
    "sfence.vma of everything, and a load": ("sfence.vma\nld t0, (s5)", 32),
    f"satp, {SPACES} spaces in turn": (SWITCHES, 1),
    f"remote fence to {HARTS} harts": (REMOTE, 1),
    "atomics on a page table": ("amoadd.d t0, x0, (s8)", 64),
    "atomics on a PTE in use": ("amoor.d t0, x0, (s9)", 64),
    "stores to a page table": ("sd x0, (s8)", 64),
    "SUM on and off, and loads": ("csrs sstatus, s10\nld t0, (s5)\ncsrc sstatus, s10", 32),
    "pmpcfg0 to and fro": ("csrw pmpcfg0, t2\ncsrw pmpcfg0, t1", 32),
}


def guest(name: str) -> tuple[bytes, str]:
    """Return a row's image, and the mode in which it starts."""
    text, times = LOOPS[name]
    machine = "pmp" in text
    body = f"{MACHINE if machine else SUPERVISOR}\nagain:\n" + f"{text}\n" * times
    image = assemble(body + "\nj again\n.balign 4\nhandler: j handler\n", 0x80000000).elf()
    return image, "m" if machine else "s"


def seconds(name: str, mode: str, paging: str | None) -> float | None:
    """Return what a million instructions of a row's loop take; None if the mode has no such guest.

    Page fills are counted by the load: a million of them.
    """
    image, boot = guest(name)
    if boot == "m" and mode == "hardware":
        return None
    harts = HARTS if "harts" in name else 1
    machine = new_machine(mode, paging, memory=MEMORY, harts=harts).load(image, boot)
    machine.run(30_000)  # what comes before the loop
    before, start = machine.executed, time.process_time()
    machine.run(BARE if mode == "bare" else DEPRIVILEGED)
    took = (time.process_time() - start) / (machine.executed - before) * 1e6
    return 4 * took if name == FILLS else took


def section(say: Callable[[str], None], rounds: int) -> list[str]:
    """Measure all rows in all modes; return the report's lines."""
    modes = [("bare", None), *PAIRS]
    lines = ["## The dearest instructions", "",
             "Seconds of CPU time for a million instructions of a loop (of page fills: for a "
             f"million fills); medians of {rounds} rounds. Repeat: `minihv bench --only attacks`.",
             "Where pages stay mapped (bare, nested, synced), the loop of page fills makes none.",
             "",
             "| loop | " + " | ".join(", ".join(filter(None, pair)) for pair in modes) + " |",
             "|---" * (len(modes) + 1) + "|"]  # fmt: skip
    for name in LOOPS:
        say(name)
        cells = []
        for pair in modes:
            found = [value for _ in range(rounds) if (value := seconds(name, *pair)) is not None]
            cells.append(f"{statistics.median(found):.2f}" if found else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines
