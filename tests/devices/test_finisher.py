"""The finisher's three commands and its exit statuses."""

import pytest

from minihv.devices.finisher import Finisher


@pytest.mark.parametrize(
    "value, end",
    [
        (0x5555, (0, "exit")),
        (0xABCD5555, (0, "exit")),
        (0x3333, (1, "exit")),
        (0x00013333, (1, "exit")),
        (0x002A3333, (42, "exit")),
        (0x00FF3333, (255, "exit")),
        (0x01003333, (255, "exit")),
        (0xFFFF3333, (255, "exit")),
        (0x7777, (0, "reset")),
    ],
)
def test_commands(value, end):
    ends = []
    Finisher(lambda *how: ends.append(how)).write(0, 4, value)
    assert ends == [end]


@pytest.mark.parametrize("offset, value", [(0, 0), (0, 0x1234), (4, 0x5555), (0, 0x55550000)])
def test_everything_else_does_nothing(offset, value):
    finisher = Finisher(lambda *how: pytest.fail(f"ended with {how}"))
    finisher.write(offset, 4, value)
    assert finisher.read(offset, 4) == 0
