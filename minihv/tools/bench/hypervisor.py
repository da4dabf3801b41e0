"""What virtualization costs, by mode, in one paired run.

Each round runs a workload in every mode, one after the other; a ratio is the median of the rounds'
ratios to the bare machine. Timed is this process's CPU time, from the boot's end, or, if a guest
first touches its memory, from then on. Exits are timed by guests that do little else.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from minihv import guests
from minihv.asm.assembler import assemble
from minihv.devices.virt import Machine
from minihv.vmm import VM, HardwareAssist, Hypervisor, NestedPaging, ShadowPaging
from minihv.vmm import SyncedShadowPaging as Synced

BOOT = 60_000  # instructions until labos runs its first program
TOUCHES = "TLB-hostile memory"  # the workload that begins by touching each page
MEMORY = 64 << 20
MODES: dict[str, Callable[[], Machine]] = {
    "bare": lambda: Machine(MEMORY),
    "trap, shadow": lambda: VM(memory=MEMORY),
    "trap, synced": lambda: VM(memory=MEMORY, paging=Synced(8192)),
    "hardware, nested": lambda: VM(memory=MEMORY, cpu=HardwareAssist(), paging=NestedPaging()),
    "hardware, synced": lambda: VM(memory=MEMORY, cpu=HardwareAssist(), paging=Synced(8192)),
}
WORKLOADS = {  # arguments, and how often: where few exits are expected, and for the others
    "compute": ("workload=compute n={}", 8_000, 8_000),
    "system calls": ("workload=syscalls n={}", 500_000, 10_000),
    "page faults": ("workload=faults pages=64 n={}", 20_000, 1_500),
    "page-table churn": ("workload=churn pages=16 n={}", 3_000, 50),
    TOUCHES: ("workload=memory pages=6000 n={}", 3_000_000, 3_000_000),
}
LOOP = "li s0, {n}\n1: {body}\n addi s0, s0, -1\n bnez s0, 1b\n"
OFF = "li a7, 0x53525354\n li a6, 0\n li a0, 0\n li a1, 0\n ecall\n"
TABLES = """
    li s2, 0x80010000
    li t2, 0x200000cf
    sd t2, 16(s2)
    srli t3, s2, 12
    li t4, 0x8000000000000000
    or t3, t3, t4
    csrw satp, t3
    sfence.vma
"""
EXITS = {  # guest code before, in the loop; times
    "CSR": ("", "csrrw t0, sscratch, t0", 20_000),
    "SBI call": ("li a7, 0x10\n li a6, 0", "ecall", 20_000),
    "device register": ("li s1, 0x10000000", "lbu t0, 5(s1)", 20_000),
    "page fill": (
        TABLES + "li s1, 0x80400000\n li t1, 4096", "ld t0, (s1)\n add s1, s1, t1", 8_000,
    ),
    "timer interrupt": (
        "la t0, 3f\n csrw stvec, t0\n li t0, 32\n csrw sie, t0\n csrsi sstatus, 2\n j 4f\n"
        ".balign 4\n3: csrw stimecmp, t2\n li t0, 0\n sret\n4: li t2, -1",
        "rdtime t0\n addi t0, t0, 1\n csrw stimecmp, t0\n2: bnez t0, 2b", 5_000,
    ),
}  # fmt: skip
EXIT_MODES = {
    "trap, shadow": lambda: VM(memory=MEMORY, paging=ShadowPaging(8192)),
    "hardware, nested": MODES["hardware, nested"],
}


@cache
def beginning(name: str) -> int:
    """Return how many of a workload's instructions are not timed; the same number in every mode."""
    if name != TOUCHES:
        return BOOT
    machine = MODES["bare"]().load(guests.path("labos"), append=WORKLOADS[name][0].format(0))
    machine.run()
    return machine.instructions


def run_workload(mode: str, name: str) -> float:
    """Return millions of instructions per second, from the end of the boot to that of the guest."""
    append, often, seldom = WORKLOADS[name]
    append = append.format(often if mode in ("bare", "hardware, nested") else seldom)
    machine = MODES[mode]().load(guests.path("labos"), append=append)
    machine.run(beginning(name))
    before, start = machine.instructions, time.process_time()
    end = machine.run()
    seconds = time.process_time() - start
    assert end.exit_status == 0, end
    return (machine.instructions - before) / seconds / 1e6


def exit_cost(mode: str, kind: str) -> float | None:
    """Return the microseconds of one turn of a loop that exits so; None if it does not exit."""
    before, body, n = EXITS[kind]
    image = bytes(assemble(before + "\n" + LOOP.format(n=n, body=body) + OFF, 0x80000000).data)
    vm = EXIT_MODES[mode]().load(image, boot="s")
    vm.run(100)
    start = time.process_time()
    vm.run()
    seconds = time.process_time() - start
    return seconds / n * 1e6 if sum(vm.exits.values()) > n // 2 else None


def idle(count: int) -> tuple[float, float, float, float]:
    """Return KiB that an idle VM costs beyond what it touched; that; seconds for one, for all."""
    hypervisor = Hypervisor((count + 7) * (16 << 20))

    def boot() -> VM:
        vm = hypervisor.create(guests.path("labos"), memory=16 << 20, append="shell")
        vm.poll = bytes
        while not vm.console.output.endswith(b"$ "):
            vm.run(20_000)
        return vm

    boot()
    start = time.process_time()
    kept = [boot() for _ in range(5)]
    one = (time.process_time() - start) / len(kept)
    gc.collect()  # what earlier measurements left is not ours to win back here
    before, start = _resident(), time.process_time()
    more = [boot() for _ in range(count)]
    seconds, used = time.process_time() - start, _resident() - before
    pages: list[Any] = [vm.memory.bytes.reshape(-1, 4096).any(axis=1) for vm in more]
    touched = sum(int(some.sum()) << 12 for some in pages)
    return (used - touched) / count / 1024, touched / count / 1024, one, seconds


def _resident() -> float:
    """Return the bytes of this process's memory (PSS, Linux)."""
    from minihv.cloud.footprint import memory

    return memory()


def section(say: Callable[[str], None], rounds: int = 3, count: int = 100) -> list[str]:
    """Return the lines of RESULTS.md's section."""
    lines = [
        "## The hypervisor", "",
        f"labos, one hart, {rounds} paired rounds, CPU time; neither the boot is timed nor, for",
        "TLB-hostile memory (23 MiB at random), the first touch of each page. Speed as a",
        "part of the bare machine's in the same round, medians; goals: compute ≥ 0.95,",
        "system calls under hardware",
        "≥ 0.9; nested faster than shadow on churn, shadow not slower than nested on memory.", "",
        "| workload | bare, MIPS | " + " | ".join(list(MODES)[1:]) + " |",
        "| --- |" + " ---: |" * len(MODES),
    ]  # fmt: skip
    for name in WORKLOADS:
        runs = []
        for number in range(rounds):
            runs.append({mode: run_workload(mode, name) for mode in MODES})
            speeds = ", ".join(f"{mode} {speed:.1f}" for mode, speed in runs[-1].items())
            say(f"  {name} round {number + 1}: {speeds} MIPS")
        cells = [f"{statistics.median(run['bare'] for run in runs):,.0f}"]
        cells += [f"{statistics.median(run[mode] / run['bare'] for run in runs):.3f}"
                  for mode in list(MODES)[1:]]  # fmt: skip
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "An exit with its handling in Python, the guest's loop around it included, µs (goals:",
        "CSR ≤ 3, SBI call and fill ≤ 6; no exit under hardware: –). A timer interrupt is",
        "five exits under trap:",
        "",
        "| exit | " + " | ".join(EXIT_MODES) + " |", "| --- |" + " ---: |" * len(EXIT_MODES),
    ]  # fmt: skip
    for kind in EXITS:
        row = []
        for mode in EXIT_MODES:
            costs = [exit_cost(mode, kind) for _ in range(2 * rounds + 1)]
            known = [cost for cost in costs if cost is not None]
            row.append(f"{statistics.median(known):.1f}" if known else "–")
        lines.append(f"| {kind} | " + " | ".join(row) + " |")
        say(f"  exit {kind}: {row}")
    extra, touched, one, seconds = idle(count)
    lines += [
        "",
        f"{count} idle labos VMs (at their shells) in one process: {extra:,.0f} KiB of host",
        f"memory each (PSS) beyond the {touched:,.0f} KiB that a guest has touched",
        "(goal ≤ 1,024); one boots in",
        f"{one * 1e3:.0f} ms, all in {seconds / one:.0f} × that (goal ≤ {count}).",
    ]  # fmt: skip
    return lines
