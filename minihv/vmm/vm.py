"""A virtual machine: the board of `devices.virt` with virtual CPUs where the harts are.

Devices, firmware calls, rounds, input, snapshots: all of it is the board's. What makes it virtual
are two layers: `cpu` says how a VCPU runs on a physical hart, `paging` how its memory is mapped.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from minihv.devices.image import Image
from minihv.devices.virt import End, Machine
from minihv.hw import state as st
from minihv.hw.hart import Hart
from minihv.vmm.emulate import TrapAndEmulate
from minihv.vmm.exits import Exits, Observer, Reason
from minihv.vmm.host import Host
from minihv.vmm.memory import GuestMemory
from minihv.vmm.nested import NestedPaging
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.vcpu import VCPU


class VM(Machine):
    """A machine whose harts are virtual: `VM(kernel)` boots on a host of its own.

    image: the guest (see Machine.load), None to load it later. cpu, paging: the layers; each
    belongs to one VM. memory: the guest's RAM in bytes; harts: its virtual CPUs. host: where it
    runs beside other VMs. The other options are the machine's.
    """

    memory: GuestMemory
    exits: Exits
    name = "vm"  # for the log

    def __init__(
        self,
        image: str | os.PathLike[str] | bytes | None = None,
        cpu: TrapAndEmulate | None = None,
        paging: ShadowPaging | NestedPaging | None = None,
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
    ):
        self.host = host or Host(memory, engine=engine, sensitive=sensitive)
        self.cpu = cpu or TrapAndEmulate()
        self.paging = paging or (NestedPaging() if self.cpu.guest_mode else ShadowPaging())
        self.physical = self.host.harts[0]
        super().__init__(memory, harts, self.host.engine, misaligned=misaligned, svade=svade)
        self.exits = Exits()
        self.regions = None  # hot code is the host's to find
        if image is not None:
            self.load(image, boot, append)

    def _new_memory(self, size: int) -> GuestMemory:
        memory = self.host.lend(size)
        memory.on_write = self.paging.written
        memory.on_drop = self.paging.drop
        self.memory = memory
        self.paging.attach(self)
        return memory

    def _new_hart(self, number: int) -> VCPU:
        return VCPU(number, self)

    def _start(self, image: Image, tree: int) -> None:
        self.cpu.check(image.boot)
        super()._start(image, tree)
        for vcpu in self.harts:
            # With M-mode its own, each virtual CPU protects memory in its own way.
            vcpu.protection = 0 if image.boot == "s" else vcpu.id  # type: ignore[attr-defined]

    def fail(self) -> End:
        """A layer of this VM cannot go on, and so neither can the VM."""
        self._ended = End("failed")
        return self._ended

    def on(self, *reasons: Reason | str) -> Callable[[Observer], Observer]:
        """Decorate a function that is told of exits with these reasons, or of all: f(vcpu, exit).

        It is called before the exit is handled; if it returns True, it has done the work itself.
        """

        def register(observer: Observer) -> Observer:
            for reason in reasons or Reason:
                self.exits.observe(Reason(reason), observer)
            return observer

        return register

    def _handle(self, hart: Hart, reason: int) -> End | None:
        """As the machine does; exits were counted where they happened."""
        if reason == st.EXIT_MMIO:
            return self._access_device(hart)
        if reason == st.EXIT_BUDGET:
            return None
        if reason == st.EXIT_TRAP:
            return self._serve_trap(hart)
        if reason == st.EXIT_LOST:
            return End("lost")
        return super()._handle(hart, reason)
