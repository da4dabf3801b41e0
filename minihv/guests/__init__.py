"""Guest programs: C and assembly sources in src, the built ELF images in bin, build.py between.

`path("hello")` is the image to hand to a machine; `names()` lists those there are. On the command
line, `minihv run hello` means the same.
"""

from pathlib import Path

from minihv.errors import ImageError

SRC = Path(__file__).parent / "src"
BIN = Path(__file__).parent / "bin"


def names() -> list[str]:
    """Return the names of the built guests, sorted."""
    return sorted(image.stem for image in BIN.glob("*.elf"))


def path(name: str) -> Path:
    """Return the ELF image of guest `name`. ImageError if there is none of that name."""
    if name not in names():
        raise ImageError(f"no guest named {name!r}; there are {', '.join(names())}")
    return BIN / f"{name}.elf"


def file_or_guest(text: str) -> Path:
    """Return the file that `text` names; where there is none, the image of the guest `text`."""
    return path(text) if text in names() and not Path(text).exists() else Path(text)
