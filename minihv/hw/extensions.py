"""What this machine can do, from which misa, the ISA string and the existence of CSRs follow."""

from __future__ import annotations

from minihv.hw import isa

WITHOUT_INSTRUCTIONS = {"Zicntr", "Sstc"}  # cycle, time and instret; a timer comparator for S-mode
OPTIONAL = {"H"}  # a machine has these only if it is made with them
MODES = "SU"  # letters that are in misa, but not in the ISA string
_ORDER = "IMAFDQLCBJTPVHZS"  # of names by their first letter, of Z names by their second one


def _place(name: str) -> tuple[int, int, str]:
    """Return what sorts extensions as the ISA string has them (Unprivileged ISA, chapter 36)."""
    return _ORDER.index(name[0]), _ORDER.index(name[1].upper()) if name[0] == "Z" else 0, name


EXTENSIONS = sorted((isa.EXTENSIONS.keys() - {"privileged"}) | WITHOUT_INSTRUCTIONS, key=_place)


def misa_bit(extension: str) -> int:
    """Return the bit of misa that says that an extension is there; 0 if it has none."""
    return 1 << ord(extension) - ord("A") if len(extension) == 1 else 0


def misa(chosen: str = "") -> int:
    """Return the misa of a 64-bit machine with these optional extensions (section 3.1.1)."""
    names = [*{*EXTENSIONS} - (OPTIONAL - set(chosen)), *MODES]
    return sum(map(misa_bit, names)) - (1 << 63)  # MXL is 2; signed


def isa_string(chosen: str = "") -> str:
    """Return what the device tree says in `riscv,isa`, such as "rv64imac_zicsr"."""
    names = [name for name in EXTENSIONS if name not in OPTIONAL or name in chosen]
    letters = "".join(name for name in names if len(name) == 1)
    return "_".join([f"rv64{letters}", *(name for name in names if len(name) > 1)]).lower()
