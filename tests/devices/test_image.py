"""The image loader: what it accepts, and one clear line for everything else."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minihv.guests
from minihv.devices.elf import ADDRESS_LIMIT
from minihv.devices.image import load_image
from minihv.errors import ImageError

from .elfs import Elf, Load

GOOD = Elf(
    loads=[Load(0x80000000, b"\x13\0\0\0" * 8), Load(0x80001000, b"data", memsz=64)],
    symbols={"_start": 0x80000000, "tohost": 0x80001000},
).build()
GUESTS = sorted((Path(minihv.guests.__file__).parent / "bin").glob("*.elf"))


def refused(data, words, **options):
    """`data` is refused with one line that contains `words`."""
    with pytest.raises(ImageError) as caught:
        load_image(data, "guest", **options)
    message = str(caught.value)
    assert words in message and message.startswith("guest: ") and "\n" not in message


# --- ELF -----------------------------------------------------------------------------------


def test_good_elf():
    image = load_image(GOOD, "guest")
    assert image.kind == "elf" and image.boot == "m" and image.entry == 0x80000000
    assert image.segments == [
        (0x80000000, b"\x13\0\0\0" * 8, 32),
        (0x80001000, b"data", 64),
    ]
    assert image.symbols == {"_start": 0x80000000, "tohost": 0x80001000}


@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.name)
def test_our_guests_load(path):
    image = load_image(path.read_bytes(), path.name)
    assert image.kind == "elf" and "_start" in image.symbols


@pytest.mark.parametrize(
    "lowest, boot, mode",
    [
        (0x80000000, None, "m"),
        (0x80200000, None, "s"),
        (0x80001000, None, "s"),
        (0x80000000, "s", "s"),
        (0x80200000, "m", "m"),
    ],
)
def test_boot_mode(lowest, boot, mode):
    loads = [Load(lowest + 0x10000), Load(lowest)]
    data = Elf(loads=loads, header={"e_entry": lowest}).build()
    assert load_image(data, boot=boot).boot == mode


def test_segments_come_in_address_order():
    data = Elf(loads=[Load(0x80002000), Load(0x80000000), Load(0x80001000)]).build()
    assert [s[0] for s in load_image(data).segments] == [0x80000000, 0x80001000, 0x80002000]


def test_entry_is_translated_through_its_segment():
    high = 0xFFFFFFFF80000000
    loads = [Load(0x80200000, vaddr=high), Load(0x80300000, vaddr=high + 0x800000)]
    data = Elf(loads=loads, header={"e_entry": high + 0x800004}).build()
    assert load_image(data).entry == 0x80300004


def test_physical_entry_of_a_kernel_linked_high():
    loads = [Load(0x80200000, vaddr=0xFFFFFFC080000000)]
    assert load_image(Elf(loads=loads, header={"e_entry": 0x80200004}).build()).entry == 0x80200004


def test_zero_sized_and_other_program_headers_are_skipped():
    loads = [Load(0x80000000), Load(0, b"", memsz=0), Load(0, b"ignored", type=0x70000003)]
    assert len(load_image(Elf(loads=loads).build()).segments) == 1


@pytest.mark.parametrize("flags", [0, 1, 4, 5])
def test_float_abi_is_ignored(flags):
    assert load_image(Elf(header={"e_flags": flags}).build()).kind == "elf"


def test_position_independent_elf():
    assert load_image(Elf(header={"e_type": 3}).build()).entry == 0x80000000


def with_ident(at, value):
    ident = bytearray(b"\x7fELF\2\1\1".ljust(16, b"\0"))
    ident[at] = value
    return Elf(ident=bytes(ident)).build()


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "empty"),
        (b"\x7fE", "truncated"),
        (b"\x7fELF", "truncated"),
        (GOOD[:63], "truncated"),
        (with_ident(4, 1), "32-bit (EI_CLASS)"),
        (with_ident(4, 3), "unknown class 3"),
        (with_ident(5, 2), "big-endian (EI_DATA)"),
        (with_ident(5, 0), "unknown byte order 0"),
        (with_ident(6, 0), "EI_VERSION"),
        (b"\x1f\x8b\x08" + bytes(99), "gzip"),
    ],
)
def test_not_an_image(data, words):
    refused(data, words)


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("e_machine", 62, "e_machine is 62"),
        ("e_type", 0, "e_type is 0"),
        ("e_type", 1, "link it first"),
        ("e_type", 4, "core dump"),
        ("e_type", 0xFE00, "e_type"),
        ("e_version", 2, "e_version 2"),
        ("e_ehsize", 0, "e_ehsize"),
        ("e_phnum", 0, "e_phnum is 0"),
        ("e_phnum", 0xFFFF, "e_phnum is 65535"),
        ("e_phnum", 4000, "e_phnum 4000"),
        ("e_phentsize", 0, "e_phentsize"),
        ("e_phentsize", 32, "e_phentsize"),
        ("e_phoff", 1 << 20, "e_phoff 0x100000"),
        ("e_phoff", (1 << 64) - 1, "e_phoff"),
        ("e_shentsize", 1, "e_shentsize"),
        ("e_shoff", (1 << 64) - 64, "e_shoff"),
        ("e_shnum", 500, "e_shnum 500"),
        ("e_shstrndx", 3, "e_shstrndx 3"),
        ("e_entry", 0x80000001, "e_entry 0x80000001 is odd"),
        ("e_entry", 0x80000010, "outside every loaded segment"),
        ("e_entry", 0, "outside every loaded segment"),
    ],
)
def test_bad_header_fields(field, value, words):
    refused(Elf(symbols={"a": 1}, header={field: value}).build(), words)


def test_text_without_content_in_the_file_may_point_anywhere():
    """A .bss section (SHT_NOBITS) occupies nothing; vaddr may end exactly at the top."""
    data = bytearray(GOOD)
    struct.pack_into("<I", data, len(data) - 192 + 4, 8)  # the null section becomes NOBITS
    struct.pack_into("<QQ", data, len(data) - 192 + 24, 1 << 50, 1 << 50)
    assert load_image(bytes(data)).symbols
    top = Elf(loads=[Load(0x80000000, vaddr=(1 << 64) - 16)], header={"e_entry": (1 << 64) - 16})
    assert load_image(top.build()).entry == 0x80000000


@pytest.mark.parametrize(
    "load, words",
    [
        (Load(0x80000000, offset=1 << 40), "p_offset 0x10000000000"),
        (Load(0x80000000, filesz=1 << 40, memsz=1 << 41), "past the file's end"),
        (Load(0x80000000, memsz=4), "p_filesz 0x10 exceeds p_memsz 0x4"),
        (Load(0x80000000, memsz=1 << 60), "56-bit"),
        (Load((1 << 64) - 16), "56-bit"),
        (Load(0x80000000, vaddr=(1 << 64) - 8), "p_vaddr"),
        (Load(0x80000000, align=3), "p_align"),
        (Load(0x80000000, type=2, offset=0), "no loadable segment"),
        (Load(0x80000000, b"", memsz=0), "no loadable segment"),
    ],
)
def test_bad_segments(load, words):
    refused(Elf(loads=[load]).build(), words)


@pytest.mark.parametrize("second", [0x80000000, 0x80000008, 0x7FFFFFF8])
def test_overlapping_segments(second):
    refused(Elf(loads=[Load(0x80000000), Load(second)]).build(), "overlap")


def test_overlap_in_memory_beyond_the_files_bytes():
    refused(Elf(loads=[Load(0x80000000, memsz=0x2000), Load(0x80001000)]).build(), "overlap")


def test_every_truncation_is_refused():
    for length in range(1, len(GOOD)):
        refused(GOOD[:length], "")


def damaged_section(index, at, value):
    """GOOD with one 64-bit field of a section header changed."""
    data = bytearray(GOOD)
    struct.pack_into("<Q", data, len(data) - 64 * (3 - index) + at, value)
    return bytes(data)


@pytest.mark.parametrize(
    "data, words",
    [
        (damaged_section(1, 0x20, 1 << 60), "section 1: sh_offset"),
        (damaged_section(1, 0x18, 1 << 60), "section 1: sh_offset 0x1000000000000000"),
        (damaged_section(2, 0x20, 1 << 60), "section 2: sh_offset"),
        (damaged_section(1, 0x20, 25), "sh_size 0x19"),
        (damaged_section(1, 0x38, 0), "sh_entsize 0"),
        (damaged_section(1, 0x28, 1), "sh_link 1"),  # to itself, for ever
        (damaged_section(1, 0x28, 3), "sh_link 3"),
    ],
)
def test_bad_symbol_tables(data, words):
    refused(data, words)


@settings(max_examples=400)
@given(st.data())
def test_mutated_elf_never_raises_anything_else(data):
    """Random bytes, and boundary values where fields are, over a valid file."""
    blob = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(blob) - 8))
        kind = data.draw(st.sampled_from("BHIQ"))
        size = struct.calcsize(kind)
        edges = [0, 1, 0xFF, (1 << 8 * size) - 1, 1 << 8 * size - 1, len(blob) % (1 << 8 * size)]
        value = data.draw(st.sampled_from(edges) | st.integers(0, (1 << 8 * size) - 1))
        struct.pack_into(f"<{kind}", blob, at, value)
    blob = blob[: data.draw(st.integers(0, len(blob)) | st.just(len(blob)))]
    try:
        image = load_image(bytes(blob), "guest")
    except ImageError as error:
        assert "\n" not in str(error)
        return
    assert image.segments and image.boot in "ms"
    reached = 0
    for paddr, content, memsize in image.segments:
        assert reached <= paddr and len(content) <= memsize and paddr + memsize <= ADDRESS_LIMIT
        reached = paddr + memsize
    if image.kind == "elf":
        assert any(p <= image.entry < p + m for p, _, m in image.segments)


@given(st.binary(max_size=200))
def test_random_bytes(data):
    for prefix in (b"", b"\x7fELF\2\1\1"):
        try:
            load_image(prefix + data)
        except ImageError as error:
            assert str(error)


# --- Linux Image and flat ------------------------------------------------------------------


def linux(text_offset=0x200000, image_size=0x5000, flags=0, magic=b"RSC\x05", length=0x1000):
    header = struct.pack(
        "<IIQQQII8s8s4sI", 0, 0, text_offset, image_size, flags, 2, 0, b"", b"RISCV\0\0\0", magic, 0
    )
    return header.ljust(length, b"\x01")


def test_linux_image():
    image = load_image(linux(), "Image")
    assert (image.kind, image.boot, image.entry) == ("linux", "s", 0x80200000)
    assert image.segments == [(0x80200000, linux(), 0x5000)]


@pytest.mark.parametrize("text_offset, base", [(0, 0x80000000), (0x400000, 0x80400000)])
def test_linux_text_offset(text_offset, base):
    assert load_image(linux(text_offset)).segments[0][0] == base


def test_linux_image_size_below_the_file():
    assert load_image(linux(image_size=0)).segments[0][2] == 0x1000


def test_linux_image_of_the_first_header_version():
    assert load_image(linux(magic=bytes(4))).kind == "linux"


@pytest.mark.parametrize(
    "data, words",
    [
        (linux(flags=1), "big-endian"),
        (linux(text_offset=1 << 56), "text_offset"),
        (linux(text_offset=3), "text_offset"),
        (linux(image_size=1 << 60), "image_size"),
        (linux()[:63], "truncated"),
    ],
)
def test_bad_linux_images(data, words):
    refused(data, words)


@pytest.mark.parametrize("boot, base, mode", [(None, 0x80200000, "s"), ("m", 0x80000000, "m")])
def test_flat_image(boot, base, mode):
    image = load_image(b"\x6f\0\0\0", boot=boot)
    assert (image.kind, image.boot, image.entry) == ("flat", mode, base)
    assert image.segments == [(base, b"\x6f\0\0\0", 4)] and image.symbols == {}


def test_unknown_boot_mode():
    refused(b"\x6f\0\0\0", "boot mode", boot="u")


@pytest.mark.parametrize("text", ["# A readme\n\nwith lines\n", "li a0, 1\n\tret\n" * 500])
def test_text_is_no_flat_image(text):
    with pytest.raises(ImageError, match="this is text, not machine code"):
        load_image(text.encode())


def test_code_that_looks_like_letters_is_a_flat_image():
    assert load_image(b"#4Vx" * 100).kind == "flat"
