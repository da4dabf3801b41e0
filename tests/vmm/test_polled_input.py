"""A guest that polls its UART gets input when it looks for it, not a round later; repeatable."""

from __future__ import annotations

import random

import pytest

from minihv.asm import assemble
from minihv.vmm.run import PAIRS, new_machine
from tests.tiers import count
from tests.vmm.cases import case

CASE = case("uart_poll")
BYTES = 3000


def polling(mode, paging):
    return new_machine(mode, paging, memory=16 << 20).load(CASE, boot="s")


def pieces(seed):
    """Input as it comes from a keyboard or a pipe: at times nothing, at times much."""
    rng, left = random.Random(seed), BYTES
    while left:
        size = min(left, rng.choice((0, 0, 1, 1, 1, 40, 700)))
        left -= size
        yield bytes(rng.choices(range(32, 127), k=size))
    yield b"\4"


@pytest.mark.parametrize("mode, paging", [("bare", None), *PAIRS])
@pytest.mark.parametrize("seed", range(count(1, 3, 30)))
def test_polled_input_comes_when_asked_for_and_is_repeated_exactly(mode, paging, seed):
    machine, incoming = polling(mode, paging), pieces(seed)
    machine.poll = lambda: next(incoming, b"")
    assert machine.run(2_000_000).reason == "exit"
    # a round a piece would be a million instructions each
    assert machine.instructions < 100_000
    text = b"".join(data for _, data in machine.input_log)[:-1]
    lines = machine.console.output.split(b"\n")
    assert (int(lines[-3], 16), int(lines[-2], 16)) == (BYTES, sum(text))
    again = polling(mode, paging)
    again.input.entries = machine.input_log
    again.run(2_000_000)
    assert again.instant == machine.instant and again.console.output == machine.console.output
    assert again.memory.read(again.memory.base, 1 << 16) == machine.memory.read(
        machine.memory.base, 1 << 16)  # fmt: skip


def test_a_call_of_the_firmware_that_finds_no_input_asks_for_it_too():
    source = "li a7, 2\n1: ecall\n bltz a0, 1b\n li a7, 8\n ecall\n"  # legacy getchar, shutdown
    machine = new_machine("bare", memory=16 << 20).load(assemble(source).elf(), boot="s")
    incoming = [b"", b"", b"x"]
    machine.poll = lambda: incoming.pop(0) if incoming else b""
    machine.run(100_000)
    assert machine.ended is not None and machine.instructions < 100
