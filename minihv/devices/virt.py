"""The machine: harts, RAM, and a list of parts at the addresses of QEMU's `virt` board.

    0x00100000 finisher          0x02000000 clint     0x0c000000 plic
    0x10000000 uart (irq 10)     0x80000000 RAM

Each piece has a file of its own; `Machine` puts them together:

    loading, image, tree ---> RAM <--- harts (minihv.hw)
                               |         |  EXIT_*                  run, rounds: whose turn it is
    snapshot <--- all          |      _handle ---> mmio ---> bus ---> the parts' devices
                               +-------- Board --> firmware, sbi      console, inputlog
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from minihv.devices import clint, finisher, htif, plic, snapshot, uart
from minihv.devices.board import Board, Part
from minihv.devices.console import Console
from minihv.devices.firmware import boot_supervisor, serve
from minihv.devices.image import Image, load_image
from minihv.devices.instant import End, Instant
from minihv.devices.loading import place_image, place_tree, read_image
from minihv.devices.mmio import access
from minihv.devices.run import Run
from minihv.devices.sbi import Sbi
from minihv.devices.stops import Stops
from minihv.devices.tree import board_tree
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.bus import Bus, Device
from minihv.hw.extensions import isa_string
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory
from minihv.hw.regions import watch

__all__ = ["VIRT", "End", "Instant", "Machine", "default_engine"]

VIRT = (  # in the order of the device tree
    uart.PART,
    finisher.PART,
    plic.PART,
    clint.PART,
)
MAX_HARTS = 8
ENGINES = ("jit", "python")
SENSITIVE = ("trap", "silent")


class Machine(Run):
    """A RISC-V computer: `memory` bytes of RAM and `harts` harts, run by one of two engines.

    engine: "jit" (compiled, hundreds of MIPS) or "python" (runs anywhere); None takes jit if LLVM
    is installed. misaligned: whether misaligned loads and stores work or trap. svade: whether a
    clear A or D bit traps (True) or is set by hardware. sensitive: what U-mode's accesses to
    S-mode CSRs do: "trap", as the architecture demands, or "silent": they read the hart's own
    value and drop writes, as on a processor that is not virtualizable. hypervisor: whether the
    harts have the H extension. parts: what is on the board. ConfigError for anything else.
    """

    def __init__(
        self,
        memory: int = 128 << 20,
        harts: int = 1,
        engine: str | None = None,
        *,
        misaligned: bool = True,
        svade: bool = False,
        sensitive: str = "trap",
        hypervisor: bool = False,
        parts: Sequence[Part] = VIRT,
    ):
        if not 1 <= harts <= MAX_HARTS:
            raise ConfigError(f"{harts} harts: choose 1 to {MAX_HARTS}")
        self.engine = engine or default_engine()
        if self.engine not in ENGINES:
            raise ConfigError(f"engine {engine!r}: choose 'jit' or 'python'")
        if sensitive not in SENSITIVE:
            raise ConfigError(f"sensitive {sensitive!r}: choose 'trap' or 'silent'")
        self.hypervisor = hypervisor
        self.memory = self._new_memory(memory)
        self.harts = [self._new_hart(i) for i in range(harts)]
        for hart in self.harts:
            hart.s[st.MISALIGNED] = int(misaligned)
            if svade:
                hart.s[st.SVADE] = 1
                hart.s[st.MENVCFG] = hart.s[st.HENVCFG] = 0  # no ADUE
            hart.s[st.SILENT] = int(sensitive == "silent")
        self.console = Console()
        super().__init__(Board(self.memory, self.console, self.harts))
        self.parts = parts
        self.bus = Bus()
        self.devices: dict[str, Device] = {}  # by the names of their parts
        for part in sorted(parts, key=lambda part: part.irq):  # the interrupt controller is first
            self.attach(part)
        self.sbi = Sbi(self.board)
        self.image: Image | None = None
        self.exits: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()  # SBI calls by name
        self.stops = Stops(self.harts, self.memory)
        if self.engine == "jit":
            watch(self.memory)

    def _new_memory(self, size: int) -> Memory:
        """Return the board's RAM; a hypervisor returns a part of another machine's."""
        return Memory(size)

    def _new_hart(self, number: int) -> Hart:
        """Return a hart of the board; a hypervisor returns a virtual CPU."""
        return Hart(number, self.memory, self.engine, self.hypervisor)

    def attach(self, part: Part) -> None:
        """Make a part's device, and put it in its place; ValueError if the place is taken."""
        if part.make is not None:
            device = self.devices[part.name] = part.make(self.board)
            if part.size:
                self.bus.attach(part.base, part.size, device)

    # --- loading --------------------------------------------------------------------------

    def load(
        self, image: str | os.PathLike[str] | bytes, boot: str | None = None, append: str = ""
    ) -> Machine:
        """Put an image (path or bytes) into RAM and the harts at its entry; return the machine.

        boot: "m" or "s", None to choose by the image (see `image.load_image`). append: the kernel
        command line. ImageError names what is wrong with the image.
        """
        data, name = read_image(image)
        loaded = load_image(data, name, boot)  # type: ignore[arg-type]
        self.equip(loaded)
        place_image(self.memory, loaded, name)
        ram = self.memory.base, self.memory.size
        isa = isa_string("H" if self.hypervisor else "")
        blob = board_tree(self.parts, ram, len(self.harts), isa, append)
        self._start(loaded, place_tree(self.memory, blob, loaded, name))
        return self

    def equip(self, image: Image) -> None:
        """Be the machine of an image: attach the parts that it brings along (HTIF)."""
        self.image = image
        for part in htif.parts(image.symbols, self.memory):
            self.attach(part)

    def _start(self, image: Image, tree: int) -> None:
        """Put the harts at the image's entry, with the device tree's gpa in a1."""
        if image.boot == "s":
            return boot_supervisor(self.harts, image.entry, tree)
        for hart in self.harts:
            hart.pc = image.entry
            hart.x[10] = hart.id
            hart.x[11] = tree

    # --- exits ----------------------------------------------------------------------------

    def _access(self, hart: Hart) -> End | None:
        """Carry out an access to a device; a guest that polls for input need not wait for it."""
        end = None if access(self.bus, hart) else self._trapped(hart)
        if self.console.starved:
            self._ask_for_input()
        return end

    def _handle(self, hart: Hart, reason: int) -> End | None:
        if reason == st.EXIT_MMIO:
            self.exits["mmio"] += 1
            return self._access(hart)
        if reason == st.EXIT_TRAP:
            self.exits["sbi"] += 1
            return self._serve_trap(hart)
        if reason == st.EXIT_TRAPPED:
            return self._trapped(hart)
        if reason == st.EXIT_BUDGET:
            self.exits["slice"] += 1
            return None
        name = st.EXIT_NAMES[reason]
        self.exits[name] += 1
        return End(name)

    _serve_trap = serve
    save, restore = snapshot.save, snapshot.restore


def default_engine() -> str:
    """Return "jit" if llvmlite is installed, else "python"."""
    from importlib.util import find_spec

    return "jit" if find_spec("llvmlite") else "python"
