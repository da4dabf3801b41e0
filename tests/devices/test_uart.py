"""The 16550A, seen as its drivers see it."""

import pytest

from minihv.devices.console import Console
from minihv.devices.uart import (
    FCR_CLEAR_RX,
    FCR_ENABLE,
    IER,
    IER_RDI,
    IER_RLSI,
    IER_THRI,
    IIR_FCR,
    IIR_FIFO,
    IIR_NONE,
    IIR_RDI,
    IIR_RLSI,
    IIR_THRI,
    IIR_TIMEOUT,
    LCR,
    LCR_DLAB,
    LSR,
    LSR_DR,
    LSR_OE,
    LSR_TEMT,
    LSR_THRE,
    MCR,
    MCR_LOOP,
    MSR,
    POLLS_TO_LISTEN,
    RBR_THR,
    SCR,
    Uart,
    UartState,
)

from .fakes import Line


class Port:
    """A UART with its console and line, and short register access."""

    def __init__(self):
        self.console, self.line = Console(), Line()
        self.uart = Uart(self.console, self.line)

    def get(self, register):
        return self.uart.read(register, 1)

    def put(self, register, value):
        self.uart.write(register, 1, value)


@pytest.fixture
def port():
    return Port()


def poll(port):
    """A polling driver: read LSR until data is ready, then RBR."""
    for _ in range(2 * POLLS_TO_LISTEN):
        if port.get(LSR) & LSR_DR:
            return port.get(RBR_THR)
    raise AssertionError("no data became ready")


def test_reset_state(port):
    assert [port.get(register) for register in range(8)] == [0, 0, 1, 0, 0, 0x60, 0xB0, 0]
    assert port.uart.save() == UartState(polls=1) and not port.line.level


def test_constants_are_those_of_the_data_sheet():
    assert (IIR_NONE, IIR_THRI, IIR_RDI, IIR_RLSI, IIR_TIMEOUT) == (1, 2, 4, 6, 12)
    assert (IER_RDI, IER_THRI, IER_RLSI) == (1, 2, 4)
    assert (FCR_ENABLE, FCR_CLEAR_RX, LCR_DLAB, MCR_LOOP) == (1, 2, 0x80, 0x10)
    assert (LSR_DR, LSR_OE, LSR_THRE, LSR_TEMT) == (1, 2, 0x20, 0x40)


def test_transmit(port):
    for byte in b"hello":
        assert port.get(LSR) & LSR_THRE
        port.put(RBR_THR, byte)
    port.put(RBR_THR, 0x121)  # only eight bits exist
    assert port.console.output == b"hello!"


def test_divisor_latch(port):
    port.put(LCR, LCR_DLAB | 3)
    port.put(RBR_THR, 0x34)
    port.put(IER, 0x12)
    assert (port.get(RBR_THR), port.get(IER)) == (0x34, 0x12)
    port.put(RBR_THR, 0x0F)
    assert (port.get(RBR_THR), port.get(IER)) == (0x0F, 0x12), "two separate bytes"
    assert port.console.output == b"", "with DLAB set, offset 0 is not the transmitter"
    port.put(LCR, 3)
    assert port.get(IER) == 0 and port.get(LCR) == 3


def test_scratch_and_unknown_registers(port):
    for value in (0x5A, 0xA5):
        port.put(SCR, value)
        assert port.get(SCR) == value
    for offset in (8, 9, 0xFF):
        port.put(offset, 0x77)
        assert port.get(offset) == 0
    for offset in (LSR, MSR):
        before = port.get(offset)
        port.put(offset, 0xFF)
        assert port.get(offset) == before, "read-only"


def test_ier_has_four_bits(port):
    port.put(IER, 0xF8)
    assert port.get(IER) == 0x08


def test_polled_input(port):
    port.console.feed(b"xyz")
    assert bytes(poll(port) for _ in range(3)) == b"xyz"
    assert not port.get(LSR) & LSR_DR
    assert port.get(RBR_THR) == 0


def test_without_fifos_one_byte_is_a_full_receiver(port):
    port.put(IER, IER_RDI)
    port.console.feed(b"x" * 20)
    assert port.get(IIR_FCR) == IIR_RDI, "no FIFO, no time-out"
    port.put(MCR, MCR_LOOP)
    for byte in (1, 2):
        port.put(RBR_THR, byte)
    assert port.get(LSR) & LSR_OE and port.get(RBR_THR) == 1
    assert not port.get(LSR) & LSR_DR, "the second byte had no room"


@pytest.mark.parametrize(
    "before, write, kept",
    [
        (FCR_ENABLE, FCR_ENABLE | FCR_CLEAR_RX, False),
        (FCR_ENABLE, FCR_ENABLE | 4, True),
        (FCR_ENABLE, FCR_ENABLE | 0xC0, True),
        (FCR_ENABLE, 0, False),
        (0, FCR_ENABLE, False),
        (0, 0, True),
    ],
)
def test_what_resets_the_receive_fifo(port, before, write, kept):
    port.put(IIR_FCR, before)
    port.put(MCR, MCR_LOOP)
    port.put(RBR_THR, 1)
    port.put(IIR_FCR, write)
    assert bool(port.get(LSR) & LSR_DR) == kept


def test_polling_starts_over_after_a_reset_of_the_fifo(port):
    port.console.feed(b"x")
    assert [port.get(LSR) & LSR_DR for _ in range(8)] == [0] * 7 + [1]
    port.put(IIR_FCR, FCR_ENABLE | FCR_CLEAR_RX)
    assert [port.get(LSR) & LSR_DR for _ in range(9)] == [0] * 7 + [1, 1]


def test_overrun_interrupts_only_if_enabled(port):
    port.put(MCR, MCR_LOOP)
    for byte in (1, 2):
        port.put(RBR_THR, byte)
    assert port.get(IIR_FCR) == IIR_NONE
    port.put(IER, IER_RLSI)
    assert port.get(IIR_FCR) == IIR_RLSI


def test_receive_interrupt_follows_the_data(port):
    port.put(IER, IER_RDI)
    assert not port.line.level
    port.console.feed(b"ab")
    assert port.line.level and port.get(IIR_FCR) == IIR_RDI
    assert port.line.level, "reading IIR does not acknowledge received data"
    port.get(RBR_THR)
    assert port.line.level
    assert port.get(RBR_THR) == ord("b")
    assert not port.line.level and port.get(IIR_FCR) == IIR_NONE


def test_input_that_someone_else_takes_lowers_the_line(port):
    port.put(IER, IER_RDI)
    port.console.feed(b"a")
    port.console.read(1)
    assert not port.line.level


@pytest.mark.parametrize("bits, level", [(0x00, 1), (0x40, 4), (0x80, 8), (0xC0, 14)])
def test_trigger_level_and_timeout(port, bits, level):
    port.put(IIR_FCR, FCR_ENABLE | bits)
    port.put(IER, IER_RDI)
    port.console.feed(b"x" * (level - 1))
    waiting = IIR_TIMEOUT if level > 1 else IIR_NONE
    assert port.get(IIR_FCR) == IIR_FIFO | waiting
    port.console.feed(b"x")
    assert port.get(IIR_FCR) == IIR_FIFO | IIR_RDI


def test_fifo_bits_tell_a_16550a(port):
    port.put(IIR_FCR, FCR_ENABLE)
    assert port.get(IIR_FCR) & IIR_FIFO == IIR_FIFO
    port.put(IIR_FCR, 0)
    assert port.get(IIR_FCR) & IIR_FIFO == 0


def test_transmit_interrupt(port):
    port.put(IER, IER_THRI)
    assert port.line.level, "enabling it while the transmitter is empty interrupts at once"
    assert port.get(IIR_FCR) == IIR_THRI
    assert not port.line.level and port.get(IIR_FCR) == IIR_NONE, "reading IIR acknowledges"
    port.put(RBR_THR, ord("x"))
    assert port.line.level and port.get(IIR_FCR) == IIR_THRI
    port.put(IER, 0)
    port.put(IER, IER_THRI)
    assert port.get(IIR_FCR) == IIR_THRI, "off and on again asks again"


def test_lsr_read_lets_go_of_the_line_but_not_of_iir(port):
    port.put(IER, IER_THRI)
    port.get(LSR)
    assert not port.line.level
    assert port.get(IIR_FCR) == IIR_THRI


def test_receive_goes_before_transmit(port):
    port.put(IER, IER_THRI | IER_RDI)
    port.console.feed(b"a")
    assert port.get(IIR_FCR) == IIR_RDI
    port.get(RBR_THR)
    assert port.get(IIR_FCR) == IIR_THRI, "the transmitter's interrupt was not acknowledged"


def test_loopback(port):
    port.put(MCR, MCR_LOOP | 0x0A)  # what Linux's probe writes: it expects 0x90
    assert port.get(MSR) & 0xF0 == 0x90
    port.put(MCR, MCR_LOOP | 0x05)
    assert port.get(MSR) & 0xF0 == 0x60
    port.put(RBR_THR, ord("q"))
    assert port.console.output == b""
    assert port.get(LSR) & LSR_DR and port.get(RBR_THR) == ord("q")
    assert not port.get(LSR) & LSR_DR


def test_loopback_overrun(port):
    port.put(IIR_FCR, FCR_ENABLE)
    port.put(MCR, MCR_LOOP)
    port.put(IER, IER_RLSI)
    for byte in range(17):
        port.put(RBR_THR, byte)
    assert port.line.level and port.get(IIR_FCR) == IIR_FIFO | IIR_RLSI
    assert port.get(LSR) & LSR_OE and not port.get(LSR) & LSR_OE
    assert not port.line.level
    assert [port.get(RBR_THR) for _ in range(16)] == list(range(16))


def test_set_up_of_the_linux_driver_keeps_piped_input(port):
    """serial8250_do_startup in outline: what it throws away must not be the user's input."""
    port.console.feed(b"ls\n")
    for value in (FCR_ENABLE, FCR_ENABLE | FCR_CLEAR_RX | 4, 0):
        port.put(IIR_FCR, value)
    for _ in range(2):
        for register in (LSR, RBR_THR, IIR_FCR, MSR):
            port.get(register)
        port.get(LSR)  # wait for the transmitter
        port.put(IER, IER_THRI)
        first = port.get(IIR_FCR)
        port.put(IER, 0)
        port.put(IER, IER_THRI)
        second = port.get(IIR_FCR)
        assert first & 15 == second & 15 == IIR_THRI, "no THRE bug to work around"
        port.put(IER, 0)
        port.put(IER, IER_THRI)
        status, identity = port.get(LSR), port.get(IIR_FCR)
        assert status & LSR_TEMT and not identity & IIR_NONE, "no TXEN bug to work around"
        port.put(IER, 0)
    port.put(IER, IER_RDI | IER_RLSI)
    port.put(IIR_FCR, FCR_ENABLE | 0x80)
    assert bytes(port.get(RBR_THR) for _ in range(3)) == b"ls\n"


def test_interrupt_driven_driver_that_never_reads_iir(port):
    """xv6: its handler drains input, sends what is buffered, and returns; the line must fall."""
    port.put(IIR_FCR, FCR_ENABLE | 6)
    port.put(IER, IER_THRI | IER_RDI)
    buffer, taken = bytearray(b"$ "), bytearray()
    port.console.feed(b"hi")
    interrupts = 0
    while port.line.level and interrupts < 10:
        interrupts += 1
        while port.get(LSR) & LSR_DR:
            taken.append(port.get(RBR_THR))
        while buffer and port.get(LSR) & LSR_THRE:
            port.put(RBR_THR, buffer.pop(0))
    assert not port.line.level and 0 < interrupts <= 4
    assert taken == b"hi" and port.console.output == b"$ "


def test_snapshot(port):
    port.put(IIR_FCR, FCR_ENABLE)
    port.put(MCR, MCR_LOOP)
    port.put(RBR_THR, 1)
    port.put(IER, IER_RDI)
    port.put(SCR, 7)
    state = port.uart.save()
    assert port.get(RBR_THR) == 1 and not port.line.level
    port.put(SCR, 8)
    port.uart.restore(state)
    assert port.line.level, "restore drives the line"
    assert port.get(SCR) == 7 and port.get(RBR_THR) == 1
    port.uart.restore(state)
    assert port.get(RBR_THR) == 1, "a saved state can be restored twice"
