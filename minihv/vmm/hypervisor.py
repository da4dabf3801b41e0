"""Several VMs on one machine: the hypervisor lends them memory and runs them in turn."""

from __future__ import annotations

import os
from typing import Any

from minihv.devices.virt import End
from minihv.vmm.host import Host
from minihv.vmm.vm import VM

TURN = 100_000  # instructions of a VM's turn


class Hypervisor(Host):
    """A host with its VMs. memory: bytes for all guests together; harts: physical ones."""

    def __init__(self, memory: int, harts: int = 1, engine: str | None = None, **options: Any):
        super().__init__(memory, harts, engine, **options)
        self.vms: list[VM] = []

    def create(self, image: str | os.PathLike[str] | bytes | None = None, **options: Any) -> VM:
        """A new VM here; the options are those of VM. ConfigError where memory is lacking."""
        vm = VM(image, host=self, **options)
        self.vms.append(vm)
        return vm

    def destroy(self, vm: VM) -> None:
        """Take all back that the VM had; it must not run again."""
        self.vms.remove(vm)
        vm.paging.drop()
        self.take_back(vm.memory)

    def run(self, max_rounds: int | None = None, turn: int = TURN) -> dict[VM, End]:
        """Run the VMs in turn until each has ended or waits in vain; how each stands."""
        ends: dict[VM, End] = {}
        rounds = 0
        while len(ends) < len(self.vms) and rounds != max_rounds:
            rounds += 1
            for vm in self.vms:
                if vm not in ends:
                    end = vm.run(turn)
                    if end.reason != "budget":
                        ends[vm] = end
        return {vm: ends.get(vm, End("budget")) for vm in self.vms}
