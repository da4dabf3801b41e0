"""The bus: which device answers at which physical address."""

from __future__ import annotations

from typing import Protocol


class AccessFault(Exception):
    """Nothing answers at this physical address, or not to an access of this kind."""


class Device(Protocol):
    """What a device shows to the bus: `size` bytes of registers.

    `offset` counts from the device's first address; an access of `size` 1, 2, 4 or 8 bytes is
    aligned and inside; values are unsigned. A device may raise AccessFault.
    """

    size: int

    def read(self, offset: int, size: int) -> int:
        """Return the value of the register at `offset`."""
        ...

    def write(self, offset: int, size: int, value: int) -> None:
        """Store `value` into the register at `offset`."""
        ...


class Bus:
    """Devices by physical address (gpa)."""

    def __init__(self) -> None:
        self.devices: list[tuple[int, int, Device]] = []

    def attach(self, base: int, device: Device) -> None:
        """Let `device` answer at base .. base + device.size - 1; ValueError where taken."""
        end = base + device.size
        for start, stop, other in self.devices:
            if base < stop and start < end:
                raise ValueError(f"{device!r} at {base:#x} overlaps {other!r} at {start:#x}")
        self.devices.append((base, end, device))

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
