"""A virtual machine: the board of `devices.virt` with virtual CPUs in place of harts.

Devices, firmware calls, rounds, input, snapshots: all of it is the board's. What makes it virtual
are two layers: `cpu` says how a VCPU runs on a physical hart, `paging` how its memory is mapped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from minihv.devices.board import Part
from minihv.devices.image import Image
from minihv.devices.virt import VIRT, End, Machine
from minihv.hw import state as st
from minihv.hw.hart import Hart
from minihv.vmm.emulate import TrapAndEmulate
from minihv.vmm.exits import Exits, Observer, Reason
from minihv.vmm.host import Host, PhysicalHart
from minihv.vmm.layers import Cpu, Paging
from minihv.vmm.memory import GuestMemory
from minihv.vmm.vcpu import VCPU


class VM(Machine):
    """A machine whose harts are virtual: `VM(kernel)` boots on a host of its own.

    image: the guest (see Machine.load), None to load it later. cpu, paging: the layers (`layers`);
    each belongs to one VM. memory: the guest's RAM in bytes; harts: its virtual CPUs. host: where
    it runs beside other VMs. The other options are the machine's.
    """

    memory: GuestMemory
    exits: Exits
    name = "vm"  # for the log

    def __init__(
        self,
        image: str | os.PathLike[str] | bytes | None = None,
        cpu: Cpu | None = None,
        paging: Paging | None = None,
        *,
        memory: int = 128 << 20,
        harts: int = 1,
        host: Host | None = None,
        engine: str | None = None,
        boot: str | None = None,
        append: str = "",
        misaligned: bool = True,
        svade: bool = False,
        sensitive: str = "trap",
        parts: Sequence[Part] = VIRT,
    ):
        self.host = host or Host(memory, engine=engine, sensitive=sensitive)
        self.cpu: Cpu = cpu or TrapAndEmulate()
        self.paging: Paging = paging or self.cpu.new_paging()
        super().__init__(
            memory, harts, self.host.engine, misaligned=misaligned, svade=svade, parts=parts
        )
        self.exits = Exits()
        self.seconds = 0.0  # processor time that its turns on a Hypervisor took
        if image is not None:
            self.load(image, boot, append)

    def _new_memory(self, size: int) -> GuestMemory:
        self.memory = self.host.lend(size)
        self.paging.attach(self)
        self.memory.paging = self.paging
        return self.memory

    def _new_hart(self, number: int) -> VCPU:
        return VCPU(number, self)

    def _start(self, image: Image, tree: int) -> None:
        self.cpu.check(image.boot)
        super()._start(image, tree)
        for vcpu in self.harts:
            # A guest that has M-mode sets the PMP of each of its CPUs as it likes.
            vcpu.protection = 0 if image.boot == "s" else vcpu.id  # type: ignore[attr-defined]

    @property
    def physical(self) -> PhysicalHart:
        """The physical hart of the virtual CPU whose turn it is."""
        return self.hart.physical  # type: ignore[attr-defined]

    def place(self, harts: Sequence[PhysicalHart]) -> None:
        """Let virtual CPU k run on harts[k % len(harts)] from now on."""
        for vcpu in self.harts:
            vcpu.move_to(harts[vcpu.id % len(harts)])  # type: ignore[attr-defined]

    def fail(self) -> End:
        """End this VM: one of its layers cannot go on."""
        self.board.ended = End("failed")
        return self.board.ended

    def restore(self, saved: dict[str, Any]) -> None:
        """As Machine; observers stay."""
        observers = self.exits.observers
        super().restore(saved)
        self.exits.observers = observers

    def on(self, *reasons: Reason | str) -> Callable[[Observer], Observer]:
        """Decorate a function that is told of exits with these reasons, or of all: f(vcpu, exit).

        It is called before the exit is handled. If it returns True, it has done the work itself,
        and no later observer is told.
        """

        def register(observer: Observer) -> Observer:
            for reason in reasons or Reason:
                self.exits.observers.setdefault(Reason(reason), []).append(observer)
            return observer

        return register

    def _handle(self, hart: Hart, reason: int) -> End | None:
        """As Machine; exits were counted when they happened."""
        if reason == st.EXIT_TRAP:
            return self._serve_trap(hart)
        if reason == st.EXIT_MMIO:
            return self._access(hart)
        if reason == st.EXIT_BUDGET:
            return None
        if reason == st.EXIT_LOST:
            return End("lost")
        return super()._handle(hart, reason)
