"""Several VMs on one machine: the hypervisor lends them memory, and runs them as scheduled.

No guest, and no layer of one, ends the others: a VM whose layer gives up or breaks ends alone, with
End("failed"). What a VM did wrong goes to the log "minihv.vmm", one line per complaint.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import Any

from minihv.devices.virt import End
from minihv.errors import MinihvError
from minihv.vmm.host import Host
from minihv.vmm.sched import RoundRobin, Scheduler, Turn
from minihv.vmm.vm import VM

LOG = logging.getLogger("minihv.vmm")
WRONG = {
    "deadlock": "every virtual CPU waits for an event that cannot come",
    "lost": "takes trap after trap and executes nothing",
}


class Hypervisor(Host):
    """A host with its VMs. memory: bytes for all guests together; harts: physical ones.

    scheduler: says which VM runs where and when; round robin by default.
    """

    def __init__(
        self, memory: int, harts: int = 1, engine: str | None = None,
        scheduler: Scheduler | None = None, **options: Any,
    ):  # fmt: skip
        super().__init__(memory, harts, engine, **{"sparse": True, **options})
        self.scheduler: Scheduler = scheduler or RoundRobin()
        self.vms: list[VM] = []
        self._created = 0
        self._told: dict[VM, End] = {}  # which ends are in the log

    def create(self, image: str | os.PathLike[str] | bytes | None = None, **options: Any) -> VM:
        """Return a new VM here (options: those of VM). ConfigError if memory is lacking."""
        vm = VM(image, host=self, **options)
        vm.name = f"vm{self._created}"
        self._created += 1
        self.vms.append(vm)
        return vm

    def destroy(self, vm: VM) -> None:
        """Take back all that the VM had; it must not run again."""
        self.vms.remove(vm)
        self._told.pop(vm, None)
        vm.paging.drop()
        self.take_back(vm.memory)

    def run(self, max_rounds: int | None = None) -> dict[VM, End]:
        """Run the VMs until each has ended or waits in vain; return how each stands.

        A round has as many turns as there are VMs that can go on at its start.
        """
        waiting, ends, rounds = list(self.vms), {vm: End("budget") for vm in self.vms}, 0
        while waiting and rounds != max_rounds:
            rounds += 1
            for _ in range(len(waiting)):
                turn = self.scheduler.next(waiting, self.harts)
                waiting.remove(turn.vm)
                ends[turn.vm] = self._run(turn)
                if ends[turn.vm].reason == "budget":
                    waiting.append(turn.vm)
                elif not waiting:
                    break
        return ends

    def _run(self, turn: Turn) -> End:
        """Run one VM for a turn; what is wrong in or around it stays there."""
        vm, before = turn.vm, time.thread_time()
        try:
            vm.place(turn.harts)
            end = vm.run(turn.length, seconds=turn.seconds)
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
        finally:
            vm.seconds += time.thread_time() - before
        if end.reason != "budget" and self._told.get(vm) != end:
            self._told[vm] = end
            for complaint in complaints(vm, end):
                LOG.warning("%s: %s", vm.name, complaint)
        return end


def complaints(vm: VM, end: End) -> Iterator[str]:
    """Yield what a VM that ended so did wrong, one line each."""
    if end.reason in WRONG:
        yield WRONG[end.reason]
    if end.exit_status:
        yield f"ended with status {end.exit_status}"
    if vm.calls["unknown"]:
        yield f"made {vm.calls['unknown']} calls of SBI functions that do not exist"
