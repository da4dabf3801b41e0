"""A 16550A UART, the serial port of the `virt` board (National PC16550D data sheet).

Eight byte-wide registers; DLAB (bit 7 of LCR) turns the first two into the baud-rate divisor:

    offset  read                       write
    0       RBR  receive buffer        THR  transmit holding     (DLAB: DLL)
    1       IER  interrupt enable      IER                       (DLAB: DLM)
    2       IIR  interrupt identity    FCR  FIFO control
    3 LCR   4 MCR   5 LSR   6 MSR   7 SCR

The line has no speed: a byte written to THR is on the console at once, so the transmitter is
always empty, and the receive FIFO is a window onto the console's queue. The FIFO therefore
never overruns, and the character timeout (data below the trigger level) is immediate.

Input waits outside until the guest listens: it has enabled the receive interrupt or has polled
LSR a few times since it last reset the receive FIFO. Drivers read LSR and RBR once each while
they set the port up, to throw away what was there. Piped input must survive that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from minihv.devices.board import Line, Part
from minihv.devices.console import Console
from minihv.devices.fdt import Node
from minihv.hw.bus import Device

RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR = range(8)

IER_RDI, IER_THRI, IER_RLSI, IER_MSI = 1, 2, 4, 8
IIR_NONE, IIR_THRI, IIR_RDI, IIR_RLSI, IIR_TIMEOUT = 0x01, 0x02, 0x04, 0x06, 0x0C
IIR_FIFO = 0xC0
FCR_ENABLE, FCR_CLEAR_RX = 0x01, 0x02
LCR_DLAB = 0x80
MCR_LOOP = 0x10
LSR_DR, LSR_OE, LSR_THRE, LSR_TEMT = 0x01, 0x02, 0x20, 0x40
MSR_CTS, MSR_DSR, MSR_DCD = 0x10, 0x20, 0x80

TRIGGER_LEVELS = (1, 4, 8, 14)  # bytes in the receive FIFO, by FCR bits 7:6
FIFO_DEPTH = 16
POLLS_TO_LISTEN = 8  # a driver's set-up reads LSR fewer times than this


@dataclass
class UartState:
    """Every register that keeps a value, and what is inside the chip."""

    divisor: int = 12  # 9600 baud at 1.8432 MHz: what a reset chip is often left at
    ier: int = 0
    fcr: int = 0
    lcr: int = 0
    mcr: int = 0
    scr: int = 0
    overrun: bool = False
    thre_pending: bool = False  # IIR reports an empty transmitter until it is read once
    thre_line: bool = False  # ... and that event still holds the interrupt line up
    polls: int = 0  # LSR reads since the receive FIFO was last reset
    loop: list[int] = field(default_factory=list)  # bytes sent to ourselves (MCR loopback)


class Uart(Device):
    """The serial port. `irq(level)` is its level-triggered line; bytes pass through `console`."""

    _state: UartState

    def __init__(self, console: Console, irq: Line):
        self.console = console
        self._irq = irq
        self._state = UartState()
        console.listen(self.settle)

    # --- bus -----------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> int:
        """Return one register's byte, whatever the access size; 0 beyond the last register."""
        reader = _READERS.get(offset)
        value = reader(self) if reader else 0
        self.settle()
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        """Write the low byte of `value` to one register; read-only and unknown ones ignore it."""
        writer = _WRITERS.get(offset)
        if writer:
            writer(self, value & 0xFF)
        self.settle()

    # --- receiver ------------------------------------------------------------------------

    def _waiting(self) -> int:
        """Return how many bytes the receiver holds, 0..16."""
        s = self._state
        if s.mcr & MCR_LOOP:
            return len(s.loop)
        listening = s.ier & IER_RDI or s.polls >= POLLS_TO_LISTEN
        return min(self.console.queued(), self._depth()) if listening else 0

    def _depth(self) -> int:
        return FIFO_DEPTH if self._state.fcr & FCR_ENABLE else 1

    def _read_rbr(self) -> int:
        s = self._state
        if s.lcr & LCR_DLAB:
            return s.divisor & 0xFF
        if not self._waiting():
            self.console.starved |= not self.console.pending()
            return 0
        return s.loop.pop(0) if s.mcr & MCR_LOOP else self.console.read(1)[0]

    def _read_lsr(self) -> int:
        """Return the line status; reading it clears the error bits (table II, note).

        Reading also releases the line for an empty transmitter, though IIR keeps reporting it.
        The data sheet wants IIR read instead, but some drivers (xv6's is one) never do that, and
        a level that nobody lowers would interrupt them forever.
        """
        s = self._state
        s.thre_line = False
        s.polls = min(s.polls + 1, POLLS_TO_LISTEN)
        value = LSR_THRE | LSR_TEMT | (LSR_DR if self._waiting() else 0)
        self.console.starved |= not self.console.pending()
        value |= LSR_OE if s.overrun else 0
        s.overrun = False
        return value

    # --- transmitter ---------------------------------------------------------------------

    def _write_thr(self, byte: int) -> None:
        s = self._state
        if s.lcr & LCR_DLAB:
            s.divisor = s.divisor & 0xFF00 | byte
            return
        if not s.mcr & MCR_LOOP:
            self.console.write(bytes([byte]))
        elif len(s.loop) < self._depth():
            s.loop.append(byte)
        else:
            s.overrun = True
        self._transmitter_empty()  # the byte has left already

    # --- interrupts ----------------------------------------------------------------------

    def _identity(self) -> int:
        """Return the highest-priority pending interrupt as IIR bits 3:0 (table IV)."""
        s = self._state
        if s.ier & IER_RLSI and s.overrun:
            return IIR_RLSI
        waiting = self._waiting()
        if s.ier & IER_RDI and waiting:
            trigger = TRIGGER_LEVELS[s.fcr >> 6] if s.fcr & FCR_ENABLE else 1
            return IIR_RDI if waiting >= trigger else IIR_TIMEOUT
        return IIR_THRI if s.ier & IER_THRI and s.thre_pending else IIR_NONE

    def _read_iir(self) -> int:
        """Return the interrupt identity; that acknowledges the transmitter's interrupt only."""
        identity = self._identity()
        if identity == IIR_THRI:
            self._state.thre_pending = self._state.thre_line = False
        return identity | (IIR_FIFO if self._state.fcr & FCR_ENABLE else 0)

    def _transmitter_empty(self) -> None:
        self._state.thre_pending = self._state.thre_line = True

    def settle(self) -> None:
        """Drive the interrupt line; the queued input belongs to the console."""
        identity = self._identity()
        self._irq(self._state.thre_line if identity == IIR_THRI else identity != IIR_NONE)

    def _read_ier(self) -> int:
        s = self._state
        return s.divisor >> 8 if s.lcr & LCR_DLAB else s.ier

    def _write_ier(self, byte: int) -> None:
        s = self._state
        if s.lcr & LCR_DLAB:
            s.divisor = s.divisor & 0xFF | byte << 8
            return
        # Enabling THRI while the transmitter is empty interrupts at once: drivers rely on it to
        # start sending.
        if byte & ~s.ier & IER_THRI:
            self._transmitter_empty()
        s.ier = byte & 0x0F

    # --- control and status --------------------------------------------------------------

    def _write_fcr(self, byte: int) -> None:
        """Set FIFO control; while FIFOs are off, only the enable bit itself has an effect."""
        s = self._state
        if (byte ^ s.fcr) & FCR_ENABLE or byte & FCR_CLEAR_RX:
            s.loop.clear()
            s.polls = 0
        s.fcr = byte & 0xC9 if byte & FCR_ENABLE else 0

    def _read_msr(self) -> int:
        """Return the modem status: a terminal always ready, or MCR's outputs in loopback."""
        mcr = self._state.mcr
        if not mcr & MCR_LOOP:
            return MSR_DCD | MSR_DSR | MSR_CTS
        # Loopback wires RTS -> CTS, DTR -> DSR, OUT1 -> RI, OUT2 -> DCD.
        return (mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4

    def _write_lcr(self, byte: int) -> None:
        self._state.lcr = byte

    def _write_mcr(self, byte: int) -> None:
        self._state.mcr = byte & 0x1F

    def _write_scr(self, byte: int) -> None:
        self._state.scr = byte


_READERS: dict[int, Callable[[Uart], int]] = {
    RBR_THR: Uart._read_rbr,
    IER: Uart._read_ier,
    IIR_FCR: Uart._read_iir,
    LCR: lambda uart: uart._state.lcr,
    MCR: lambda uart: uart._state.mcr,
    LSR: Uart._read_lsr,
    MSR: Uart._read_msr,
    SCR: lambda uart: uart._state.scr,
}

_WRITERS: dict[int, Callable[[Uart, int], None]] = {
    RBR_THR: Uart._write_thr,
    IER: Uart._write_ier,
    IIR_FCR: Uart._write_fcr,
    LCR: Uart._write_lcr,
    MCR: Uart._write_mcr,
    SCR: Uart._write_scr,
}

PART: Part = Part(
    "uart", 0x10000000, 0x100, lambda board: Uart(board.console, board.line(PART.irq)), irq=10,
    node=Node("serial", {"compatible": "ns16550a", "clock-frequency": 3686400}),
)  # fmt: skip
