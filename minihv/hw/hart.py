"""A hart: a hardware thread, seen from the host.

Its state is one vector (`state`) that either engine can continue at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

import numpy as np

from minihv.hw import csr as csr_file
from minihv.hw import engine, mmu, pmp, tlb, trap
from minihv.hw import state as st
from minihv.hw.bits import MASK64, i64
from minihv.hw.extensions import misa
from minihv.hw.memory import Memory
from minihv.hw.registers import NAME, NUMBER, RESET

_COUNTERS = {"mcycle": st.CYCLE_OFFSET, "minstret": st.INSTRET_OFFSET}
STOPPED, STARTED, SUSPENDED = "stopped", "started", "suspended"
SLEEPS = 2  # in WAIT: suspended by a call of SBI's, not by WFI


class Csrs(MutableMapping[str, int]):
    """The CSRs of a hart by name, as M-mode would read and write them; values are unsigned."""

    def __init__(self, hart: Hart):
        self._hart = hart

    def _number(self, name: str) -> int:
        number = NUMBER.get(name, -1)
        if number < 0 or not csr_file.exists(self._hart.s, number):
            raise KeyError(f"this machine has no CSR named {name!r}")
        return number

    def __getitem__(self, name: str) -> int:
        return csr_file.read_csr(self._hart.s, self._number(name)) & MASK64

    def __setitem__(self, name: str, value: int) -> None:
        hart = self._hart
        csr_file.write_csr(hart.s, hart.tlb, self._number(name), i64(value))
        if name in _COUNTERS:  # no instruction has to be allowed for here
            hart.s[_COUNTERS[name]] = i64(hart.s[_COUNTERS[name]] + 1)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a hart's CSRs cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return (name for number, name in NAME.items() if csr_file.exists(self._hart.s, number))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Registers:
    """x0..x31 as signed values; a write of x0 is ignored, any other is taken modulo 2**64."""

    def __init__(self, s: memoryview):
        self._s = s

    def __getitem__(self, number: int) -> int:
        if not 0 <= number < 32:
            raise IndexError(f"there is no register x{number}")
        return self._s[number]

    def __setitem__(self, number: int, value: int) -> None:
        if not 0 <= number < 32:
            raise IndexError(f"there is no register x{number}")
        self._s[number or st.SINK] = i64(value)

    def __len__(self) -> int:
        return 32


def _slot(index: int, doc: str) -> property:
    def get(self: Hart) -> int:
        return self.s[index]

    def put(self: Hart, value: int) -> None:
        self.s[index] = i64(value)

    return property(get, put, doc=doc)


class Bound(np.ndarray):
    """An array that knows the functions that work on it, for who has no more than a view of it."""

    calls: engine.Calls


class Hart:
    """One hart on `memory`; `kind` names the engine that runs it, "jit" or "python".

    hypervisor: whether it has the H extension.
    """

    pc = _slot(st.PC, "The address of the next instruction (virtual, signed).")
    clock = _slot(st.CLOCK, "Ticks so far: instructions retired and ticks idled.")
    tlb_misses = _slot(st.TLB_MISSES, "Accesses so far that the TLB did not know.")
    walk_reads = _slot(st.WALK_READS, "Page-table entries that walks of both stages have read.")
    deadline = _slot(st.DEADLINE, "The clock at which a timer is due next; NEVER for none.")
    host_modes = _slot(st.HOST, "Modes whose traps return to the host: 1 M, 2 S, 3 both.")

    def __init__(self, number: int, memory: Memory, kind: str = "jit", hypervisor: bool = False):
        self.id = number
        self.hypervisor = hypervisor
        self.memory = memory
        self.state = np.zeros(st.SLOTS, dtype=np.int64)
        self.tlb_array = np.zeros(st.TLB_SLOTS + 2, dtype=np.int64).view(Bound)
        self.s = memoryview(self.state)  # the same memory; plain Python reads it faster
        self.tlb = memoryview(self.tlb_array)
        self.x = Registers(self.s)
        self.status = STARTED
        self._looks = 0
        self.use(kind)
        self.reset()

    def use(self, kind: str) -> None:
        """Choose the engine for what comes; a run can be handed over at any point."""
        self._looks = self.tlb[st.LOOK_EVERY] = int(kind == "jit")  # plain Python has no regions
        views = self.memory.views._asdict()
        self.calls = engine.Calls(kind, s=self.s, tlb=self.tlb, **views)

    @property
    def csr(self) -> Csrs:
        """The CSRs by name."""
        return Csrs(self)  # made anew, for a hart that held it would be part of a cycle

    def reset(self) -> None:
        """Reset: M-mode, no translation, PMP off (Privileged ISA, section 3.4)."""
        s = self.s
        self.state[:] = 0
        for slot, value in RESET.items():
            s[slot] = value
        s[st.TOHOST] = s[st.SKIP] = -1
        s[st.PRIV] = 3
        s[st.HARTID] = self.id
        s[st.RAM_SIZE] = self.memory.size
        s[st.MISA] = misa("H" if self.hypervisor else "")
        if self.hypervisor:
            s[st.MIDELEG] = st.GUEST_INTERRUPTS
        self.flush()

    def run(self, stop: int) -> int:
        """Run until `clock` is `stop` or the host is needed; return the reason (EXIT_*)."""
        self.s[st.STOP] = stop
        reason = self.calls.run()
        while reason == st.EXIT_HOT:
            self.memory.regions.translate_at(self)
            reason = self.calls.run()
        return reason

    # --- what the board and the host's firmware do to a hart --------------------------------

    @property
    def priv(self) -> int:
        """The privilege mode: 0 U, 1 S, 3 M."""
        return self.s[st.PRIV]

    @priv.setter
    def priv(self, value: int) -> None:
        self.s[st.PRIV] = value
        tlb.update_contexts(self.s, self.tlb)

    @property
    def status(self) -> str:
        """The hart's state as SBI's HSM extension has it: STOPPED, STARTED or SUSPENDED."""
        if self._stopped:
            return STOPPED
        return SUSPENDED if self.s[st.WAIT] == SLEEPS and self.waiting else STARTED

    @status.setter
    def status(self, value: str) -> None:
        self._stopped = value == STOPPED  # whether it sleeps is in its state vector

    @property
    def waiting(self) -> bool:
        """True in WFI while no interrupt would wake the hart."""
        s = self.s
        return bool(s[st.WAIT]) and not (s[st.MIP_SOFT] | s[st.MIP_LINE]) & s[st.MIE]

    @property
    def mtime(self) -> int:
        """The real-time counter as this hart's clock shows it, in units of 100 ns."""
        return trap.mtime(self.s) & MASK64

    @mtime.setter
    def mtime(self, value: int) -> None:
        self.s[st.TIME_OFFSET] = i64(value - self.s[st.CLOCK] // st.TICKS_PER_TIME)
        trap.refresh_timers(self.s)

    @property
    def mtimecmp(self) -> int:
        """The CLINT's comparator for this hart (unsigned)."""
        return self.s[st.MTIMECMP] & MASK64

    @mtimecmp.setter
    def mtimecmp(self, value: int) -> None:
        self.s[st.MTIMECMP] = i64(value)
        trap.refresh_timers(self.s)

    def set_sbi_timer(self, deadline: int) -> None:
        """STIP when mtime reaches `deadline` (unsigned), and not before: SBI's set_timer."""
        self.s[st.STIMECMP] = i64(deadline)
        self.calls.refresh_timers()

    def set_pending(self, bit: int, level: bool) -> None:
        """Drive interrupt line `bit` of mip; for SSIP, which is no line, set or clear the bit."""
        slot = st.MIP_SOFT if bit == st.SSI else st.MIP_LINE
        if level:
            self.s[slot] |= 1 << bit
        else:
            self.s[slot] &= ~(1 << bit)

    def pending(self, bit: int) -> bool:
        """Return whether interrupt `bit` is pending in mip."""
        return bool((self.s[st.MIP_SOFT] | self.s[st.MIP_LINE]) >> bit & 1)

    def sfence(self) -> None:
        """Forget all translations."""
        self.calls.flush_tlb()

    def flush(self) -> None:
        """Bring the TLB and the PMP's regions in line with a state that the host wrote."""
        self.tlb_array[:] = 0
        self.state[st.SPACE : st.SPACE + 32] = -1
        self.s[st.SPACES_USED] = 0
        self.s[st.SUPERPAGES] = 0
        self.tlb[st.LOOK_EVERY] = self._looks
        pmp.update_regions(self.s)
        tlb.update_contexts(self.s, self.tlb)

    def own_machine_mode(self) -> None:
        """Let the host be the firmware: traps to M return to it, all else is the guest's.

        As OpenSBI does, S-mode gets all exceptions and interrupts but its own calls, the counters,
        the timer comparator (Sstc) and all of memory.
        """
        s = self.s
        s[st.HOST] = 1
        s[st.MEDELEG] = st.GUEST_DELEGABLE | (st.GUEST_EXCEPTIONS if self.hypervisor else 0)
        s[st.MIDELEG] |= st.SUPERVISOR_INTERRUPTS
        s[st.MCOUNTEREN] = st.COUNTERS
        s[st.MENVCFG] |= st.STCE
        s[st.PMPADDR] = (1 << 54) - 1
        s[st.PMPCFG] = 0x1F  # NAPOT over everything, R W X
        pmp.update_regions(s)

    def start(self, pc: int, opaque: int) -> None:
        """Enter S-mode at physical `pc` with a0 = hart id, a1 = `opaque` (SBI 2.0, section 9.1)."""
        s = self.s
        s[st.PC] = i64(pc)
        s[st.SATP] = 0
        s[st.MSTATUS] &= ~(st.SIE | st.MPRV)
        s[st.WAIT] = 0
        self.priv = 1
        self.x[10] = self.id
        self.x[11] = opaque
        self.status = STARTED

    def stop(self) -> None:
        """Stop until `start`."""
        self.status = STOPPED

    def suspend(self) -> None:
        """Wait for an interrupt that is enabled in mie, then go on (retentive suspend)."""
        self.s[st.WAIT] = SLEEPS

    @property
    def instructions(self) -> int:
        """Instructions retired so far."""
        return self.s[st.CLOCK] - self.s[st.IDLE]

    @property
    def executed(self) -> int:
        """Ticks that were not spent waiting: what a budget counts."""
        return self.s[st.CLOCK] - self.s[st.WAITED]

    def idle_until(self, clock: int) -> None:
        """Let time pass without running."""
        s = self.s
        ticks = max(0, clock - s[st.CLOCK])
        s[st.CLOCK] += ticks
        s[st.IDLE] += ticks
        s[st.WAITED] += ticks

    def settle(self) -> None:
        """Do what passing time alone does: look at the timers, end a wait that is over.

        The loop does so before its next instruction; done at once, the state does not show
        whether the loop had looked already.
        """
        s = self.s
        if s[st.CLOCK] >= s[st.DEADLINE]:
            trap.refresh_timers(s)
        if s[st.WAIT] and not self.waiting:
            s[st.WAIT] = 0

    def wait_until(self, clock: int) -> None:
        """In WFI: let time pass until `clock`, or until an interrupt ends the wait."""
        self.settle()
        while self.s[st.WAIT] and self.s[st.CLOCK] < clock:
            self.idle_until(min(clock, self.deadline))
            self.settle()

    def retire(self, size: int) -> None:
        """Count the instruction at pc, which the host carried out, and step over its bytes."""
        self.s[st.PC] = i64(self.s[st.PC] + size)
        self.s[st.CLOCK] += 1

    def take_trap(self, cause: int, tval: int, guest_va: int = 0) -> None:
        """Deliver a trap to the guest, as if its instruction at pc had raised it.

        guest_va: 1 if the tval of a load or store is a guest-virtual address (V was set).
        """
        mmu.raise_trap(self.s, cause, i64(tval))
        self.s[st.GUEST_VA] = guest_va
        self.calls.take_trap()
