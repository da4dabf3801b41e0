"""The board: harts, RAM and devices at the addresses of QEMU's `virt` machine.

    0x00100000 test finisher    0x02000000 CLINT     0x0c000000 PLIC
    0x10000000 UART (irq 10)    0x80000000 RAM

All harts share one clock. A round gives each hart the same slice of it, in turn; a waiting hart
idles through its own; when all wait, time jumps to the next event. Input is asked for only at the
start of a round, and all input is logged with its instant, so a run can be repeated exactly.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from minihv.devices.clint import Clint
from minihv.devices.console import Console
from minihv.devices.fdt import virt_tree
from minihv.devices.finisher import Finisher
from minihv.devices.htif import Htif, HtifState
from minihv.devices.image import Image, load_image
from minihv.devices.plic import Plic
from minihv.devices.sbi import Sbi
from minihv.devices.stops import Stops
from minihv.devices.uart import Uart
from minihv.errors import ConfigError, ImageError
from minihv.hw import state as st
from minihv.hw.access import extend
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault, Bus
from minihv.hw.extensions import isa_string
from minihv.hw.hart import STARTED, STOPPED, Hart
from minihv.hw.memory import Memory
from minihv.hw.regions import HotRegions
from minihv.hw.registers import NEVER

FINISHER, CLINT, PLIC, UART = 0x100000, 0x2000000, 0xC000000, 0x10000000
UART_IRQ = 10
MAX_HARTS = 8
SLICE = 1_000_000  # ticks of a round for one hart
SHARED_SLICE = 20_000  # ticks of each hart's turn where there are several
ENGINES = ("jit", "python")
SENSITIVE = ("trap", "silent")
ECALL_FROM_S = 9
EXTERNAL = 1 << 9 | 1 << 11  # in mie: SEIE, MEIE


class Instant(NamedTuple):
    """A point of a run: `ticks` of all harts' clocks together, and traps and calls taken by then.

    For one hart, ticks is its clock. A trap moves no clock, so the second number orders what
    happens at one tick. Instants compare in the order of the run.
    """

    ticks: int
    traps: int = 0


@dataclass(frozen=True)
class End:
    """Why a run returned.

    `reason` is "exit" or "reset" (the guest ended itself, with `exit_status` 0..255), "budget"
    (max_instructions ran out), "deadlock" (every hart waits for an event that cannot come),
    "input" (every hart waits, and input could wake one), "breakpoint", "watchpoint", "trap" (a step
    ended in one), "lost" (on a host that is not virtualizable, see Host: the guest takes trap
    after trap and executes nothing), or "failed" (a hypervisor's layer could not go on).
    """

    reason: str
    exit_status: int | None = None


class _Tohost:
    """HTIF's doubleword, which lies in RAM: stores to it land there and are then looked at."""

    size = 8

    def __init__(self, memory: Memory, htif: Htif):
        self._memory, self._htif = memory, htif

    def read(self, offset: int, size: int) -> int:
        """What RAM holds."""
        return int.from_bytes(self._memory.read(self._htif.tohost + offset, size), "little")

    def write(self, offset: int, size: int, value: int) -> None:
        """Store, then let HTIF see the whole doubleword."""
        self._memory.write(self._htif.tohost + offset, value.to_bytes(size, "little"))
        self._htif.poke(self._memory.read_u64(self._htif.tohost))


class Machine:
    """A RISC-V computer: `memory` bytes of RAM and `harts` harts, run by one of two engines.

    engine: "jit" (compiled, hundreds of MIPS) or "python" (runs anywhere); None takes jit where
    Numba is installed. misaligned: whether misaligned loads and stores work or trap. svade:
    whether a clear A or D bit traps (True) or is set by hardware. sensitive: what U-mode's accesses
    to S-mode CSRs do: "trap", as the architecture demands, or "silent": they read the hart's own
    value and drop writes, as on a processor that is not virtualizable. hypervisor:
    whether the harts have the H extension. ConfigError for all else.
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
        self.console = Console()
        self.harts = [self._new_hart(i) for i in range(harts)]
        for hart in self.harts:
            hart.s[st.MISALIGNED] = int(misaligned)
            hart.s[st.SVADE] = int(svade)
            hart.s[st.SILENT] = int(sensitive == "silent")
        self.bus = Bus()
        self.htif: Htif | None = None
        self._build()
        self.sbi = Sbi(self)
        self.image: Image | None = None
        self.exits: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()  # SBI calls by name
        self.poll: Callable[[], bytes] | None = None  # asked for input at the start of a round
        self.input_log: list[tuple[Instant, bytes]] = []  # all of it, also what is to be repeated
        self.console.on_feed = self._log_input
        self.stops = Stops(self.harts, self.memory)
        self.on_trap: Callable[[Hart], None] | None = None
        self.regions = HotRegions(self.memory) if self.engine == "jit" else None
        self._slice = SLICE if harts == 1 else SHARED_SLICE
        self._turn = 0  # whose turn it is; 0 with equal clocks starts a round
        self._round_end = 0
        self._ended: End | None = None
        self._served = 0  # traps into the host
        self._fed = 0  # entries of input_log that the guest was given
        self._at_traps = False  # whether the run returns at traps

    def _new_memory(self, size: int) -> Memory:
        """The board's RAM; a hypervisor puts a part of another machine's RAM in its place."""
        return Memory(size)

    def _new_hart(self, number: int) -> Hart:
        """A hart of the board; a hypervisor puts a virtual CPU in its place."""
        return Hart(number, self.memory, self.engine, self.hypervisor)

    def _build(self) -> None:
        contexts = []
        for hart in self.harts:
            for bit in (11, 9):  # MEIP, SEIP: the PLIC's contexts 2h and 2h + 1
                contexts.append(lambda level, hart=hart, bit=bit: hart.set_pending(bit, level))
        self.plic = Plic(contexts)
        self.clint = Clint(self.harts, lambda: self.harts[self._turn])
        self.uart = Uart(self.console, self.plic.line(UART_IRQ))
        for base, device in (
            (FINISHER, Finisher(self.shutdown)),
            (CLINT, self.clint),
            (PLIC, self.plic),
            (UART, self.uart),
        ):
            self.bus.attach(base, device)

    # --- loading --------------------------------------------------------------------------

    def load(
        self, image: str | os.PathLike[str] | bytes, boot: str | None = None, append: str = ""
    ) -> Machine:
        """Put an image (path or bytes) into RAM and the harts at its entry; returns the machine.

        boot: "m" or "s", None to choose by the image (see `image.load_image`). append: the kernel
        command line. ImageError names what is wrong with the image.
        """
        data, name = _read(image)
        loaded = load_image(data, name, boot)  # type: ignore[arg-type]
        self.image = loaded
        for paddr, content, size in loaded.segments:
            if paddr < self.memory.base or paddr + size > self.memory.base + self.memory.size:
                raise ImageError(
                    f"{name}: its segment at {paddr:#x} ({size} bytes) lies outside RAM "
                    f"({self.memory.base:#x}, {self.memory.size >> 10} KiB): give more memory"
                )
            self.memory.write(paddr, bytes(content))
        tree = self._place_tree(name, append)
        self._attach_htif(loaded)
        self._start(loaded, tree)
        return self

    def _place_tree(self, name: str, append: str) -> int:
        """Write the device tree to the end of RAM; its address."""
        isa = isa_string("H" if self.hypervisor else "")
        blob = virt_tree(self.memory.base, self.memory.size, len(self.harts), isa, append)
        assert self.image is not None
        used = max(paddr + size for paddr, _, size in self.image.segments)
        align = 0x200000 if self.memory.size >= 0x800000 else 0x1000
        address = (self.memory.base + self.memory.size - len(blob)) & -align
        if address < used:
            address = (self.memory.base + self.memory.size - len(blob)) & -8
        if address < used:
            raise ImageError(f"{name}: no room for the device tree behind it: give more memory")
        self.memory.write(address, blob)
        return address

    def _attach_htif(self, image: Image) -> None:
        tohost = image.symbols.get("tohost", -1)
        if not self.memory.base <= tohost <= self.memory.base + self.memory.size - 8:
            return
        self.htif = Htif(
            self.console, self.memory, self.shutdown, tohost, image.symbols.get("fromhost")
        )
        self.bus.attach(tohost, _Tohost(self.memory, self.htif))
        self.memory.flags[(tohost - self.memory.base) >> 12] |= st.PAGE_SLOW
        for hart in self.harts:
            hart.s[st.TOHOST] = tohost

    def _start(self, image: Image, tree: int) -> None:
        for hart in self.harts:
            if image.boot == "s":
                hart.own_machine_mode()
                hart.start(image.entry, tree)
                hart.status = STARTED if hart.id == 0 else STOPPED
            else:
                hart.pc = image.entry
                hart.x[10] = hart.id
                hart.x[11] = tree

    # --- running --------------------------------------------------------------------------

    @property
    def instructions(self) -> int:
        """Instructions that all harts have retired."""
        return sum(hart.instructions for hart in self.harts)

    @property
    def executed(self) -> int:
        """Ticks of all harts that were not spent waiting; never goes back while a guest runs."""
        return sum(hart.executed for hart in self.harts)

    @property
    def hart(self) -> Hart:
        """The hart whose turn it is."""
        return self.harts[self._turn]

    @property
    def clock(self) -> int:
        """The clock of the hart whose turn it is."""
        return self.hart.clock

    @property
    def ended(self) -> End | None:
        """How the guest ended itself, None while it has not."""
        return self._ended

    def shutdown(self, exit_status: int, reason: str = "exit") -> None:
        """End the guest: what the finisher, HTIF and SBI call."""
        self._ended = End(reason, exit_status)

    @property
    def ticks(self) -> int:
        """The clocks of all harts together: never goes back while a guest runs."""
        return sum(hart.clock for hart in self.harts)

    @property
    def instant(self) -> Instant:
        """Where the run stands."""
        return Instant(self.ticks, self._served + sum(hart.s[st.TRAPS] for hart in self.harts))

    def run(
        self, max_instructions: int | None = None, until: int | None = None, at_traps: bool = False
    ) -> End:
        """Run until the guest ends, or `max_instructions` are executed, or a stop is due.

        until: stop at the first instant with that many ticks, too. at_traps: stop behind each
        trap into the guest, before its handler, and behind each call of the host, too.
        """
        goal = NEVER if max_instructions is None else self.executed + max_instructions
        while self._ended is None:
            if self._turn == 0 and self.harts[0].clock >= self._round_end:
                stop = self._new_round()
                if stop is not None:
                    return stop
            ticks = self.ticks
            due = self._repeat_input()
            self._return_at_traps(at_traps or due == ticks)
            executable, time = goal - self.executed, (NEVER if until is None else until) - ticks
            hart = self.hart
            if executable <= 0 or time <= 0:
                if hart.status != STOPPED:  # a stopped one looks at nothing
                    hart.settle()
                return End("budget")
            stop = self._run_turn(hart, executable, min(time, max(due - ticks, 1)))
            if stop is not None and (at_traps or stop.reason != "trap"):
                return stop
        return self._ended

    def step(self, n: int = 1) -> End:
        """Execute `n` instructions; a trap counts as one, and stops before its handler.

        A breakpoint or watchpoint at the first of them is passed over.
        """
        self.pass_stop()
        end = End("budget")
        for _ in range(n):
            end = self.run(1, at_traps=True)
            if end.reason not in ("budget", "trap"):
                break
        return end

    def pass_stop(self) -> None:
        """Let the next run leave the instruction where it starts, though a stop is set there."""
        self.hart.s[st.SKIP] = self.hart.clock

    def _return_at_traps(self, wanted: bool) -> None:
        self._at_traps = wanted
        for hart in self.harts:
            hart.s[st.STOP_ON_TRAP] = int(wanted or self.on_trap is not None)

    def _new_round(self) -> End | None:
        """Take input, let time jump if all wait, and set the end of the round."""
        if self._repeat_input() == NEVER and self.poll is not None:
            self.feed(self.poll())
        running = [hart for hart in self.harts if hart.status != STOPPED]
        clock = self.harts[0].clock
        if all(hart.waiting for hart in running):
            clock = min((hart.deadline for hart in running), default=NEVER)
            if clock == NEVER:
                listens = any(hart.s[st.MIE] & EXTERNAL for hart in running)
                return End("input" if self.poll is not None and listens else "deadlock")
            for hart in self.harts:
                hart.idle_until(clock)
        self._round_end = (clock // self._slice + 1) * self._slice
        return None

    # --- input ------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Give the guest console input now, and log it.

        After `restore` the rest of the log is repeated as the run goes on. Input that is new
        starts another history: the rest is forgotten.
        """
        self.console.feed(data)

    def _log_input(self, data: bytes) -> None:
        """What the console calls before it takes input, from wherever it comes."""
        if self._fed < len(self.input_log):
            self.input_log = self.input_log[: self._fed]
        self.input_log.append((self.instant, data))
        self._fed += 1

    def _repeat_input(self) -> int:
        """Give again what was logged up to this instant; the tick of the next entry, or NEVER."""
        while self._fed < len(self.input_log):
            instant, data = self.input_log[self._fed]
            if instant > self.instant:
                return instant.ticks
            self._fed += 1
            self.console.feed(data, repeated=True)
        return NEVER

    # --- one hart's turn --------------------------------------------------------------------

    def _run_turn(self, hart: Hart, executable: int, time: int) -> End | None:
        """Run one hart until its turn is over, its share is executed, or a stop is due."""
        budget, limit = hart.executed + executable, min(self._round_end, hart.clock + time)
        while self._ended is None:
            if hart.status == STOPPED:
                hart.idle_until(limit)
            clock = hart.clock
            if clock >= self._round_end:
                if len(self.harts) > 1:
                    hart.s[st.RESERVATION] = -1  # another hart may store there now
                    self._turn = (self._turn + 1) % len(self.harts)
                return None
            if clock >= limit or hart.executed >= budget:
                return None
            if hart.s[st.WAIT]:
                hart.wait_until(limit)
                continue
            stop = self._handle(hart, hart.run(min(limit, clock + budget - hart.executed)))
            if stop is not None and hart.executed < budget and hart.clock < limit:
                return stop
        return None

    def _handle(self, hart: Hart, reason: int) -> End | None:
        """Do what an exit asks for; an End where the run may have to stop."""
        if reason == st.EXIT_MMIO:
            self.exits["mmio"] += 1
            return self._access_device(hart)
        if reason == st.EXIT_TRAP:
            self.exits["sbi"] += 1
            return self._serve_trap(hart)
        if reason == st.EXIT_TRAPPED:
            return self._trapped(hart)
        if reason == st.EXIT_BUDGET:
            self.exits["slice"] += 1
            if self.regions is not None and not self._at_traps:
                self.regions.sample(hart)
            return None
        name = st.EXIT_NAMES[reason]
        self.exits[name] += 1
        return End(name)

    def _trapped(self, hart: Hart) -> End | None:
        """A trap inside the guest was taken: tell who wants to know."""
        if self.on_trap is not None:
            self.on_trap(hart)
        return End("trap") if self._at_traps else None

    def _serve_trap(self, hart: Hart) -> End | None:
        """Be the firmware: an SBI call is served, anything else goes to the guest."""
        if hart.s[st.CAUSE] != ECALL_FROM_S:
            raise AssertionError(f"M-mode trap {hart.s[st.CAUSE]} is not delegated")
        self._served += 1
        hart.s[st.SKIP] = -1  # the clock stands still, but this is another instruction
        hart.pc += 4
        self.calls[self.sbi.call(hart)] += 1
        return End("trap") if self._at_traps and self._ended is None else None

    def _access_device(self, hart: Hart) -> End | None:
        """Carry out the load or store that left RAM, and step over it."""
        s = hart.s
        kind, address = s[st.ACCESS_KIND], s[st.ACCESS_ADDRESS]
        size = 1 << (kind & 3)
        store = s[st.ACCESS_RD] < 0
        try:
            if store:
                self.bus.write(address, size, s[st.ACCESS_VALUE] & MASK64)
            else:
                value = self.bus.read(address, size)
                s[s[st.ACCESS_RD]] = extend(value - (value >> 63 << 64), kind)
        except AccessFault:
            cause = st.STORE_ACCESS if store else st.LOAD_ACCESS
            hart.take_trap(cause, s[st.TVAL], s[st.GUEST_VA])
            return self._trapped(hart)
        hart.retire(s[st.LENGTH])
        return None

    def load_virtual(self, hart: Hart, gva: int) -> int | None:
        """For legacy SBI calls: the doubleword at a guest-virtual address, None after a fault."""
        from minihv.hw.inspect import peek_virtual

        value = peek_virtual(hart, gva, 8)
        if value is None:
            hart.pc -= 4
            hart.take_trap(st.LOAD_PAGE_FAULT, gva)
            self._trapped(hart)
        return value

    # --- snapshots ------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Everything but RAM, as plain data."""
        return {
            "harts": [(hart.state.copy(), hart.status) for hart in self.harts],
            "console": self.console.save(),
            "uart": self.uart.save(),
            "plic": self.plic.save(),
            "clint": self.clint.save(),
            "htif": self.htif.save() if self.htif else None,
            "turn": (self._turn, self._round_end, self._ended),
            "counts": (self.exits.copy(), self.calls.copy(), self._served, self._fed),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Return to `saved`; RAM is the caller's to restore first. Stops that are set stay."""
        if self.htif:
            self.htif.restore(HtifState())  # asks for nothing while the console changes
        self.console.restore(saved["console"])
        self.uart.restore(saved["uart"])
        self.plic.restore(saved["plic"])
        self.clint.restore(saved["clint"])
        if self.htif:
            self.htif.restore(saved["htif"])
        self._turn, self._round_end, self._ended = saved["turn"]
        exits, calls, self._served, self._fed = saved["counts"]
        self.exits, self.calls = exits.copy(), calls.copy()
        for hart, (state, status) in zip(self.harts, saved["harts"], strict=True):
            keep = hart.state[st.BREAKPOINTS : st.CSR_WATCHES + 1].copy()
            lists = hart.state[st.BREAKPOINT : st.CSR_WATCH + 8].copy()
            hart.state[:] = state
            hart.state[st.BREAKPOINTS : st.CSR_WATCHES + 1] = keep
            hart.state[st.BREAKPOINT : st.CSR_WATCH + 8] = lists
            hart.s[st.SKIP] = -1
            hart.status = status
            hart.flush()


def _read(image: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    if isinstance(image, (bytes, bytearray)):
        return bytes(image), "image"
    path = Path(image)
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def default_engine() -> str:
    """"jit" where Numba is installed, else "python"."""
    from importlib.util import find_spec

    return "jit" if find_spec("numba") else "python"
