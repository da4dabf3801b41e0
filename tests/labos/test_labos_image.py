"""The images, and the promise that the kernel stays small enough to be read in one sitting."""

import io
import re

import pytest
from elftools.elf.elffile import ELFFile

from minihv import guests
from minihv.guests import build, labos

SOURCES = guests.SRC / "labos"
KERNEL_LINES = 1200
TOLERANCE = 60
LARGEST_FILE = 150


def code_lines(path) -> int:
    """Lines that are neither blank nor only a comment."""
    lines = (line.strip() for line in path.read_text().splitlines())
    comment = r"//|/\*.*\*/$|#(?!\s*(include|define|pragma)\b)"
    return sum(bool(line) and not re.match(comment, line) for line in lines)


def segments(name: str) -> list[tuple[int, int, bytes]]:
    """Address, flags and contents of what is loaded."""
    elf = ELFFile(io.BytesIO(guests.path(name).read_bytes()))
    return [(s["p_paddr"], s["p_flags"], s.data()) for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD"]


def test_kernel_stays_about_1200_lines():
    count = sum(code_lines(path) for path in (SOURCES / "kernel").iterdir())
    assert abs(count - KERNEL_LINES) <= TOLERANCE, count


def test_each_file_holds_one_idea_and_is_short():
    for path in SOURCES.rglob("*.[chS]"):
        lines = path.read_text().splitlines()
        assert len(lines) <= LARGEST_FILE, path.name
        assert max(map(len, lines)) <= 100, path.name
        assert lines[0].startswith(("//", "# ")), f"{path.name} does not say what it is"


def test_both_images_hold_the_same_kernel():
    kernel, with_firmware = segments("labos"), segments("labos-m")
    assert with_firmware[1:] == kernel
    assert with_firmware[0][0] == 0x80000000
    assert kernel[0][0] == 0x80200000


def test_nothing_is_writable_and_executable():
    assert [flags for _, flags, _ in segments("labos")] == [5, 4, 6]     # R-X, R--, RW-


@pytest.mark.parametrize("name", labos.IMAGES)
def test_image_is_what_its_sources_give(name):
    if reason := build.why_not():
        pytest.skip(f"guests are not rebuilt here: {reason}")
    image = build.build(name)
    assert image == guests.path(name).read_bytes(), f"python -m minihv.guests.build {name}"
    assert b"/tmp" not in image and str(guests.SRC).encode() not in image
