"""The world switch: what one guest writes to its registers is its own, and there whenever it looks.

The guests are made from the table of registers, so that a new row is tested without a change here.
"""

import os
import random
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.registers import ABSENT, ROWS, Row
from minihv.vmm import HardwareAssist, Hypervisor, NestedPaging, TrapAndEmulate, worldswitch
from minihv.vmm.sched import RoundRobin
from tests.vmm.central import finish
from tests.vmm.modes import MODES

MEMORY = 4 << 20
START = st.RAM_BASE + 0x200000
ROOT, NOTES = START + 0x40000, START + 0x41000  # a root table; what the guest read
ROUNDS = 6
TURN = 23  # instructions: every CSR is met by a switch before and after it
POWER_OFF = "\n li a7, 0x53525354\n li a6, 0\n li a0, 0\n li a1, 0\n ecall\n"
# What a guest without H can read and write: user and supervisor level.
WRITABLE = [
    row for row in ROWS
    if row.number >= 0 and row.number >> 8 & 3 <= 1 and row.number >> 10 != 3
    and row.slot != ABSENT and row.writable
]  # fmt: skip
# Of these some values would stop the guest: its interrupts stay disabled, its code mapped.
LEGAL = {
    "sstatus": lambda value: value & ~st.SIE,
    "stvec": lambda value: value & ~3,
    "stimecmp": lambda value: value | 1 << 62,
    "satp": lambda value: 8 << 60 | (value & 0xFFFF) << 44 | ROOT >> 12,
}


def pattern(row: Row, seed: int) -> int:
    """A legal value for a register; those of seeds 1 and 2 differ in every bit that may."""
    bits = random.Random(row.name).getrandbits(64) ^ -(seed & 1)
    return LEGAL.get(row.name, lambda value: value)(bits & row.writable) & (1 << 64) - 1


@cache
def image(seed: int) -> bytes:
    """A guest that writes its patterns (seed 0: nothing), and looks at them again and again.

    Its notes: all registers before it wrote, then a table per round, and the time.
    """
    look = "".join(f"csrr t0, {row.name}\nsd t0, {8 * k}(s1)\n" for k, row in enumerate(WRITABLE))
    look += f"rdtime t0\nsd t0, {8 * len(WRITABLE)}(s1)\naddi s1, s1, {8 * len(WRITABLE) + 8}\n"
    write = "".join(f"li t0, {pattern(row, seed)}\ncsrw {row.name}, t0\n" for row in WRITABLE)
    gigapage = st.RAM_BASE >> 12 << 10 | 0xCF
    return bytes(assemble(f"""
        li t0, {ROOT}
        li t1, {gigapage}
        sd t1, 16(t0)
        li s1, {NOTES}
        {look}
        {write if seed else ""}
        li s0, {ROUNDS}
    again:
        {look}
        li a7, 0x10
        li a6, 0
        ecall
        addi s0, s0, -1
        bnez s0, again
    {POWER_OFF}""", START).data)  # fmt: skip


def started(machine: Machine, seed: int) -> Machine:
    """The guest on a machine whose time and counters are not those of its host."""
    machine.load(image(seed), boot="s")
    machine.harts[0].mtime = 1000 * seed + 500
    machine.harts[0].csr["mcycle"] = 1 << 40 + seed
    return machine


@cache
def bare(seed: int):
    return finish(started(Machine(MEMORY, engine="python"), seed))


def differences(*vms: tuple[int, dict]) -> list[str]:
    """Run guests (seed, layers) by turns on one hart; where they are not as on the bare machine."""
    hypervisor = Hypervisor(len(vms) * (6 << 20), engine="python", scheduler=RoundRobin(TURN))
    made = [(seed, hypervisor.create(memory=MEMORY, **layers)) for seed, layers in vms]
    for seed, vm in made:
        started(vm, seed)
    hypervisor.run(max_rounds=200)
    return [f"guest {seed}: {what}" for seed, vm in made
            for what in finish(vm, 1000).differences(bare(seed))]  # fmt: skip


def test_the_patterns_are_there_on_the_bare_machine():
    """So that the comparison below is one with what was written."""
    for seed in (1, 2):
        machine = started(Machine(MEMORY, engine="python"), seed)
        machine.run(10_000)
        size = 8 * len(WRITABLE) + 8
        for k, row in enumerate(WRITABLE):
            for r in range(1, ROUNDS + 1):
                value = machine.memory.read_u64(NOTES + r * size + 8 * k)
                assert value & row.writable == pattern(row, seed) & row.writable, row.name
    assert all(pattern(row, 1) != pattern(row, 2) for row in WRITABLE)


@pytest.mark.parametrize("one", MODES)
@pytest.mark.parametrize("other", MODES)
def test_each_guest_has_its_own_registers(one, other):
    assert differences((1, MODES[one]()), (2, MODES[other]()), (0, MODES[one]())) == []


# --- planted faults -------------------------------------------------------------------------------

BEHIND = {"sstatus": "mstatus", "sie": "mie", "sip": "mip_soft"}  # of a view
ROW = {row.name: row for row in ROWS}


def forgetful(name: str, way: str) -> type[HardwareAssist]:
    """A world switch that leaves one register out: of loading, of taking it back, or of both."""
    mine = ROW[BEHIND.get(name, name)].slot
    copy = ROW.get("v" + name)
    harts = copy.slot if copy and copy.slot >= 0 else mine

    class Forgetful(HardwareAssist):
        def load(self, vcpu, hart):
            before = hart.s[harts]
            super().load(vcpu, hart)
            hart.s[harts] = hart.s[harts] if way == "unload" else before

        def unload(self, vcpu, hart):
            before = vcpu.s[mine]
            super().unload(vcpu, hart)
            vcpu.s[mine] = vcpu.s[mine] if way == "load" else before

    return Forgetful


@pytest.mark.parametrize("way", ["load", "unload", "both"])
@pytest.mark.parametrize("name", [row.name for row in WRITABLE])
def test_a_register_left_out_is_noticed(name, way):
    if name == "satp" and way != "unload":
        pytest.skip("the paging layer loads it")
    cpu = forgetful(name, way)
    assert differences(*((seed, {"cpu": cpu(), "paging": NestedPaging()}) for seed in (1, 2, 0)))


def test_what_a_guest_in_vs_mode_leaves_to_one_in_u_mode_is_noticed(monkeypatch):
    """scounteren is one register for both: left as it was, it lends the hart's own time."""
    assert pattern(ROW["scounteren"], 2) & 2
    assert differences((2, {"cpu": HardwareAssist()}), (1, {"cpu": TrapAndEmulate()})) == []
    kept = slice(worldswitch.KERNEL.start, st.SCOUNTEREN)
    monkeypatch.setattr(worldswitch, "KERNEL", kept)
    monkeypatch.setattr(worldswitch, "FRESH", worldswitch.FRESH[: kept.stop - kept.start])
    found = differences((2, {"cpu": HardwareAssist()}), (1, {"cpu": TrapAndEmulate()}))
    assert "guest 1: memory" in found


# --- a new register -------------------------------------------------------------------------------

NEW = 'CUSTOM = csr(0x5C0, "custom", 0xFFFF, "HIGH:15-8 LOW:7-0")\n'
TRIAL = """
from minihv.asm import assemble, disassemble
from minihv.tools.debug.commands import csrs
from minihv.tools.debug.session import Session
from tests.vmm import test_worldswitch as t

assert t.ROW["custom"] in t.WRITABLE
for one in t.MODES:
    for other in t.MODES:
        vms = (1, t.MODES[one]()), (2, t.MODES[other]()), (0, t.MODES[one]())
        assert t.differences(*vms) == [], (one, other)
vms = [(n, {"cpu": t.forgetful("custom", "both")()}) for n in (1, 2, 0)]
assert "guest 0: memory" in t.differences(*vms)
code = assemble("csrrw a0, custom, a1").data
assert disassemble(int.from_bytes(code, "little")) == "csrrw a0, custom, a1"
machine = t.started(t.Machine(t.MEMORY, engine="python"), 2)
saved = machine.save()
machine.harts[0].csr["custom"] = 0x1234567
said = []
csrs(Session(machine, said.append), ["custom"])
assert said[0].endswith("HIGH=0x45, LOW=0x67"), said
machine.restore(saved)
assert machine.harts[0].csr["custom"] == 0
"""


def test_a_new_csr_is_one_line(tmp_path):
    """A plain S-mode CSR, added as one line, is every guest's own in every mode, and has a name."""
    root = Path(__file__).parents[2]
    package = tmp_path / "minihv"
    for folder, original in ((package, root / "minihv"), (package / "hw", root / "minihv/hw")):
        folder.unlink(missing_ok=True)
        folder.mkdir()
        for path in original.iterdir():
            (folder / path.name).symlink_to(path)
    (tmp_path / "tests").symlink_to(root / "tests")
    table = package / "hw/registers.py"
    text = table.read_text(encoding="utf-8")
    table.unlink()
    line = text.index("SCOUNTEREN = ")
    table.write_text(text[:line] + NEW + text[line:], encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", TRIAL], cwd=tmp_path, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
