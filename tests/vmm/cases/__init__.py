"""Guests of the tests in assembly; each ends with what they share, `runtime.S`."""

from pathlib import Path

from minihv.asm import assemble

FOLDER = Path(__file__).parent


def case(name: str) -> bytes:
    """Return the ELF image of a guest."""
    return assemble("".join((FOLDER / f"{part}.S").read_text() for part in (name, "runtime"))).elf()
