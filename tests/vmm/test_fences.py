"""A fence of one address names the whole superpage that the address is in."""

import pytest

from minihv.devices.virt import Machine
from minihv.vmm import VM
from minihv.vmm import shadowtable as shadowtable_module
from tests.vmm.cases import case
from tests.vmm.modes import MODES

CASE = case("gigapage_fence")
LOADED, GONE, READ_ONLY = [0, 0x1234], [0x10D, 0], [0x10F, 7]  # scause + 256 if trapped, then a0


def reports(machine: Machine) -> list[list[int]]:
    """Run the case; return what it reports: (scause + 256 or 0, a0) each."""
    machine.load(CASE, "s")
    assert machine.run(1_000_000).reason == "exit"
    numbers = [int(line, 16) for line in machine.console.output.decode().split()]
    return [numbers[k : k + 2] for k in range(0, len(numbers), 2)]


def test_bare():
    assert reports(Machine(8 << 20)) == [LOADED, GONE, READ_ONLY]


@pytest.mark.parametrize("mode", MODES)
def test_as_on_the_bare_machine(mode: str):
    assert reports(VM(memory=8 << 20, **MODES[mode]())) == [LOADED, GONE, READ_ONLY]


def test_a_table_that_looks_at_2_mib_only_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shadowtable_module.ShadowTable, "level_at", lambda self, gva: 0)
    assert reports(VM(memory=8 << 20, **MODES["trap, shadow"]())) != [LOADED, GONE, READ_ONLY]
