"""HTIF: exits, characters both ways, the system-call proxy, and hostile requests."""

import struct

import pytest

from minihv.devices.console import Console
from minihv.devices.htif import Htif

from .fakes import RAM, FakeMemory

TOHOST, FROMHOST, BLOCK = RAM + 0x1000, RAM + 0x1040, RAM + 0x2000
PUTCHAR, GETCHAR = 0x0101 << 48, 0x0100 << 48


class Guest:
    """A guest with an HTIF: `ask` stores to tohost as the machine would report it."""

    def __init__(self, fromhost=FROMHOST):
        self.console, self.memory, self.ends = Console(), FakeMemory(), []
        self.htif = Htif(
            self.console, self.memory, lambda *how: self.ends.append(how), TOHOST, fromhost
        )

    def ask(self, value):
        self.memory.write(TOHOST, struct.pack("<Q", value))
        self.htif.poke(value)

    def answer(self):
        """Take what fromhost holds, as a guest does: read it, then store 0."""
        value = self.memory.word(FROMHOST)
        self.memory.write(FROMHOST, bytes(8))
        self.htif.poke(0)
        return value

    def system_call(self, number, *args):
        words = [number, *args, *[0] * (7 - len(args))]
        self.memory.write(BLOCK, struct.pack("<8Q", *words))
        self.ask(BLOCK)
        return struct.unpack("<q", self.memory.read(BLOCK, 8))[0]


@pytest.fixture
def guest():
    return Guest()


@pytest.mark.parametrize(
    "value, status",
    [(1, 0), (3, 1), (2 * 42 + 1, 42), (511, 255), (513, 255), ((1 << 64) - 1, 255)],
)
def test_odd_values_exit(guest, value, status):
    guest.ask(value)
    assert guest.ends == [(status, "exit")]
    assert guest.memory.word(TOHOST) == value, "the verdict stays readable"


def test_zero_is_no_request(guest):
    guest.ask(0)
    assert not guest.ends and guest.console.output == b"" and guest.memory.word(FROMHOST) == 0


def test_putchar_prints_odd_characters_too(guest):
    for byte in b"ab\xff":
        guest.ask(PUTCHAR | byte)
        assert guest.memory.word(TOHOST) == 0, "acknowledged"
    assert guest.console.output == b"ab\xff" and not guest.ends


def test_getchar_answers_when_there_is_input(guest):
    guest.ask(GETCHAR)
    assert guest.memory.word(TOHOST) == 0 and guest.memory.word(FROMHOST) == 0
    guest.console.feed(b"AB")
    assert guest.answer() == GETCHAR | 0x100 | ord("A")
    assert guest.console.queued() == 1, "one request takes one character"
    guest.ask(GETCHAR)
    assert guest.answer() == GETCHAR | 0x100 | ord("B")


def test_an_answer_waits_until_fromhost_is_free(guest):
    guest.ask(GETCHAR)
    guest.ask(GETCHAR)
    guest.console.feed(b"xy")
    assert guest.memory.word(FROMHOST) & 0xFF == ord("x")
    assert guest.answer() & 0xFF == ord("x")
    assert guest.answer() & 0xFF == ord("y")
    assert guest.answer() == 0


@pytest.mark.parametrize("descriptor", [1, 2])
def test_sys_write(guest, descriptor):
    guest.memory.write(RAM, b"hello\n")
    assert guest.system_call(64, descriptor, RAM, 6) == 6
    assert guest.console.output == b"hello\n"
    assert guest.memory.word(TOHOST) == 0 and guest.answer() == 1


@pytest.mark.parametrize(
    "number, args, result",
    [
        (64, (0, RAM, 1), -9),
        (64, (3, RAM, 1), -9),
        (64, (1, 0, 1), -14),
        (64, (1, RAM, 1 << 20), -14),
        (64, (1, RAM, (1 << 64) - 1), -14),
        (64, (1, (1 << 64) - 1, 2), -14),
        (999, (), -38),
    ],
)
def test_system_calls_that_fail(guest, number, args, result):
    assert guest.system_call(number, *args) == result
    assert guest.console.output == b"" and guest.answer() == 1


@pytest.mark.parametrize("code, status", [(7, 7), (0, 0), ((1 << 64) - 1, 255), (1 << 32, 0)])
def test_sys_exit(guest, code, status):
    guest.system_call(93, code)
    assert guest.ends == [(status, "exit")]


def test_a_signed_value_is_the_same_word(guest):
    guest.htif.poke(-1)
    assert guest.ends == [(255, "exit")]


@pytest.mark.parametrize("block", [8, RAM - 64, RAM + 0x10000 - 8, (1 << 48) - 2])
def test_block_outside_memory(guest, block):
    guest.ask(block)
    assert not guest.ends and guest.answer() == 1


def test_unknown_device_is_acknowledged_only(guest):
    guest.ask(0x0200 << 48 | 2)
    assert guest.memory.word(TOHOST) == 0 and guest.memory.word(FROMHOST) == 0


def test_without_fromhost_and_with_wild_addresses():
    guest = Guest(fromhost=None)
    assert guest.system_call(64, 1, RAM, 2) == 2
    wild = Htif(Console(), FakeMemory(), lambda *how: None, tohost=16, fromhost=1 << 60)
    wild.poke(PUTCHAR | 65)
    wild.poke(RAM)
    assert wild.console.output == b"A"


def test_snapshot(guest):
    guest.ask(GETCHAR)
    state = guest.htif.save()
    guest.console.feed(b"a")
    assert guest.answer() & 0xFF == ord("a")
    guest.htif.restore(state)
    guest.console.feed(b"b")
    assert guest.answer() & 0xFF == ord("b"), "the request is open again"
