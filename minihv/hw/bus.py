"""The bus: which device answers at which physical address."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any


class AccessFault(Exception):
    """Nothing answers at this physical address, or not to an access of this kind."""


class Device:
    """What answers to loads and stores: registers, at offsets from the device's first address.

    An access of `size` 1, 2, 4 or 8 bytes is aligned and inside the device; values are
    unsigned. `_state` is all that a device remembers, as plain data: None, a list of numbers, or
    a dataclass of numbers and such lists.
    """

    _state: Any = None

    def read(self, offset: int, size: int) -> int:
        """Return the value of the register at `offset`; AccessFault if it refuses the access."""
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Store `value` into the register at `offset`; AccessFault if it refuses the access."""

    def save(self) -> Any:
        """Return a copy of the state, for a snapshot."""
        return _copy(self._state)

    def restore(self, state: Any) -> None:
        """Return to a saved state."""
        self._state = _copy(state)
        self.settle()

    def settle(self) -> None:
        """Drive the lines to the levels that the state asks for."""


def _copy(state: Any) -> Any:
    if isinstance(state, list):
        return list(state)
    if is_dataclass(state) and not isinstance(state, type):
        lists = {name: list(x) for name, x in vars(state).items() if isinstance(x, list)}
        return replace(state, **lists)
    return state


class Bus:
    """Devices by physical address (gpa)."""

    def __init__(self) -> None:
        self.devices: list[tuple[int, int, Device]] = []

    def attach(self, base: int, size: int, device: Device) -> None:
        """Let `device` answer at base .. base + size - 1; ValueError if any of it is taken."""
        end = base + size
        for start, stop, other in self.devices:
            if base < stop and start < end:
                raise ValueError(f"{device!r} at {base:#x} overlaps {other!r} at {start:#x}")
        self.devices.insert(0, (base, end, device))  # what comes last is used most: the UART

    def find(self, address: int, size: int) -> tuple[Device, int]:
        """Return the device and the offset for an access; AccessFault if nothing answers."""
        for base, end, device in self.devices:
            if base <= address and address + size <= end:
                return device, address - base
        raise AccessFault(f"no device at {address:#x}")

    def read(self, address: int, size: int) -> int:
        """Read `size` bytes at physical `address`."""
        device, offset = self.find(address, size)
        return device.read(offset, size) & (1 << 8 * size) - 1

    def write(self, address: int, size: int, value: int) -> None:
        """Write the low `size` bytes of `value` at physical `address`."""
        device, offset = self.find(address, size)
        device.write(offset, size, value & (1 << 8 * size) - 1)
