"""Several VMs on one machine: the hypervisor lends them memory and runs them in turn.

No guest, and no layer of one, ends the others: a VM whose layer gives up or breaks ends alone, with
End("failed"). What a VM did wrong goes to the log "minihv.vmm", a line each.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

from minihv.devices.virt import End
from minihv.errors import MinihvError
from minihv.vmm.host import Host
from minihv.vmm.vm import VM

TURN = 100_000  # instructions of a VM's turn
LOG = logging.getLogger("minihv.vmm")
WRONG = {
    "deadlock": "every virtual CPU waits for an event that cannot come",
    "lost": "takes trap after trap and executes nothing",
}


class Hypervisor(Host):
    """A host with its VMs. memory: bytes for all guests together; harts: physical ones."""

    def __init__(self, memory: int, harts: int = 1, engine: str | None = None, **options: Any):
        super().__init__(memory, harts, engine, **{"sparse": True, **options})
        self.vms: list[VM] = []
        self._created = 0
        self._told: dict[VM, End] = {}  # which ends are in the log

    def create(self, image: str | os.PathLike[str] | bytes | None = None, **options: Any) -> VM:
        """A new VM here; the options are those of VM. ConfigError where memory is lacking."""
        vm = VM(image, host=self, **options)
        vm.name = f"vm{self._created}"
        self._created += 1
        self.vms.append(vm)
        return vm

    def destroy(self, vm: VM) -> None:
        """Take all back that the VM had; it must not run again."""
        self.vms.remove(vm)
        self._told.pop(vm, None)
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
                    end = self._turn(vm, turn)
                    if end.reason != "budget":
                        ends[vm] = end
        return {vm: ends.get(vm, End("budget")) for vm in self.vms}

    def _turn(self, vm: VM, turn: int) -> End:
        """Run one VM for a turn; what is wrong in or around it stays there."""
        try:
            end = vm.run(turn)
        except MinihvError as error:
            LOG.error("%s: %s", vm.name, error)
            return vm.fail()
        except Exception as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_qualname}, line {place.tb_lineno}" if place else ""
            LOG.error("%s: its layer broke: %s (%s)", vm.name, repr(error), where)
            return vm.fail()
        if end.reason != "budget" and self._told.get(vm) != end:
            self._told[vm] = end
            for complaint in complaints(vm, end):
                LOG.warning("%s: %s", vm.name, complaint)
        return end


def complaints(vm: VM, end: End) -> Iterator[str]:
    """What a VM that ended so did wrong, a line each."""
    if end.reason in WRONG:
        yield WRONG[end.reason]
    if end.exit_status:
        yield f"ended with status {end.exit_status}"
    if vm.calls["unknown"]:
        yield f"made {vm.calls['unknown']} calls of SBI functions that do not exist"
