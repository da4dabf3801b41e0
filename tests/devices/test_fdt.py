"""Device trees: what is written can be read, by us and by others; the board's tree is QEMU's."""

import hashlib
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minihv.devices import clint, finisher, plic, uart
from minihv.devices.board import PHANDLE_PLIC, Part
from minihv.devices.fdt import Node, cells64, encode, flatten
from minihv.devices.tree import board_tree
from minihv.devices.virt import VIRT

from .dtb import DeviceTreeError, find, parse

MEMORY = (0x80000000, 128 << 20)
ISA = "rv64imac_zicsr_zifencei_sstc"
BLOB = board_tree(VIRT, MEMORY, harts=2, isa=ISA, bootargs="console=ttyS0 quiet")

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789,-@#.", min_size=1, max_size=20)
values = st.one_of(
    st.none(),
    st.integers(0, (1 << 32) - 1),
    st.binary(max_size=9),
    st.text("abc xyz", max_size=9),
    st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=4),
    st.lists(st.text("pq", max_size=3), min_size=1, max_size=3),
)
trees = st.recursive(
    st.builds(Node, names, st.dictionaries(names, values, max_size=4)),
    lambda inner: st.builds(
        Node, names, st.dictionaries(names, values, max_size=3), st.lists(inner, max_size=3)
    ),
    max_leaves=12,
)


def as_bytes(node):
    """The tree as a reader sees it: every property in bytes."""
    props = {name: encode(value) for name, value in node.props.items()}
    return Node(node.name, props, [as_bytes(child) for child in node.children])


def cells(value):
    return list(struct.unpack(f">{len(value) // 4}I", value))


# --- format --------------------------------------------------------------------------------


@given(trees)
def test_what_is_written_can_be_read(tree):
    assert parse(flatten(tree)) == as_bytes(tree)


def test_header_by_hand():
    blob = flatten(Node("", {"ab": 7}), boot_hart=3)
    structure = struct.pack(">I4xIIIIII", 1, 3, 4, 0, 7, 2, 9)
    assert len(blob) == 96 and len(structure) == 32
    assert struct.unpack(">10I", blob[:40]) == (
        0xD00DFEED, 96, 56, 88, 40, 17, 16, 3, 3, 32,
    )  # fmt: skip
    assert blob[40:56] == bytes(16), "the end of the memory reservations"
    assert blob[56:88] == structure and blob[88:] == b"ab\0".ljust(8, b"\0")


def test_values():
    assert encode(None) == b"" and encode(b"\1") == b"\1" and encode("a") == b"a\0"
    assert encode(["a", "bc"]) == b"a\0bc\0" and encode([1, 2]) == bytes([0, 0, 0, 1, 0, 0, 0, 2])
    assert cells64(0x1_00000002, 3) == [1, 2, 0, 3]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda b: b[:39], "truncated: 39 bytes"),
        (lambda b: b"\0" + b[1:], "magic"),
        (lambda b: b[:-8], "totalsize"),
        (lambda b: b[:20] + struct.pack(">II", 18, 18) + b[28:], "version"),
        (lambda b: b[:8] + struct.pack(">I", len(b)) + b[12:], "past its end"),
        (lambda b: b[:12] + struct.pack(">I", len(b)) + b[16:], "has no end"),
        (lambda b: b[:56] + struct.pack(">I", 5) + b[60:], "begin with a node"),
        (lambda b: b[:64] + struct.pack(">I", 5) + b[68:], "unknown token 0x5"),
    ],
)
def test_malformed_blobs(change, words):
    with pytest.raises(DeviceTreeError, match=words):
        parse(change(BLOB))


def test_nesting_is_bounded():
    tree = Node("x")
    for _ in range(200):
        tree = Node("x", {}, [tree])
    with pytest.raises(DeviceTreeError, match="deeper"):
        parse(flatten(tree))


@given(st.data())
def test_mutated_blobs_end_in_one_error_or_a_tree(data):
    blob = bytearray(BLOB)
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(blob[: data.draw(st.integers(0, len(blob)))]))
    except DeviceTreeError as error:
        assert "\n" not in str(error)


# --- the board -----------------------------------------------------------------------------


def test_memory_chosen_and_bootargs():
    memory, initrd = (0x80000000, 5 << 30), (0x84000000, 0x84100000)
    tree = parse(board_tree(VIRT, memory, 1, ISA, "a b", initrd))
    assert cells(find(tree, "/memory@80000000").props["reg"]) == [0, 0x80000000, 1, 0x40000000]
    chosen = find(tree, "/chosen").props
    assert chosen["bootargs"] == b"a b\0"
    assert find(tree, chosen["stdout-path"].rstrip(b"\0").decode()) is not None
    assert cells(chosen["linux,initrd-start"]) == [0, 0x84000000]
    assert cells(chosen["linux,initrd-end"]) == [0, 0x84100000]
    plain = find(parse(board_tree(VIRT, MEMORY, 1, ISA)), "/chosen").props
    assert set(plain) == {"stdout-path"}


def test_isa_in_both_forms():
    cpu = find(parse(BLOB), "/cpus/cpu@1").props
    assert cpu["riscv,isa"] == ISA.encode() + b"\0"
    assert cpu["riscv,isa-base"] == b"rv64i\0"
    assert cpu["riscv,isa-extensions"] == b"i\0m\0a\0c\0zicsr\0zifencei\0sstc\0"


@pytest.mark.parametrize("harts", [1, 3, 17])
def test_every_phandle_is_unique_and_every_reference_resolves(harts):
    handles, references = [], []

    def visit(node):
        for name, value in node.props.items():
            if name == "phandle":
                handles.extend(cells(value))
            elif name in ("cpu", "interrupt-parent", "regmap"):
                references.extend(cells(value))
            elif name == "interrupts-extended":
                references.extend(cells(value)[::2])
        for child in node.children:
            visit(child)

    visit(parse(board_tree(VIRT, MEMORY, harts, ISA)))
    assert len(handles) == len(set(handles)) == 2 + 2 * harts
    assert set(references) <= set(handles)


def test_a_part_more():
    disk = Part("disk", 0x10001000, 0x1000, irq=1, node=Node("virtio_mmio", {
        "compatible": "virtio,mmio", "dma-coherent": None,
    }))  # fmt: skip
    tree = parse(board_tree((*VIRT, disk), MEMORY, 1, ISA))
    assert find(tree, "/soc/virtio_mmio@10001000").props == {
        "compatible": b"virtio,mmio\0", "reg": encode([0, 0x10001000, 0, 0x1000]),
        "interrupts": encode(1), "interrupt-parent": encode(PHANDLE_PLIC), "dma-coherent": b"",
    }  # fmt: skip
    plic = find(tree, "/soc/plic@c000000").props
    assert plic["phandle"] == encode(PHANDLE_PLIC) and plic["riscv,ndev"] == encode(95)


def test_a_board_without_parts_names_none():
    tree = parse(board_tree((), MEMORY, 1, ISA))
    assert [node.name for node in tree.children] == ["chosen", "memory@80000000", "cpus", "soc"]
    assert not find(tree, "/soc").children and not find(tree, "/chosen").props


@pytest.mark.parametrize(
    "memory, harts, bootargs, initrd, digest",
    [
        (128 << 20, 1, "", None, "a7e227efd4e3d0e6"),
        (128 << 20, 2, "console=ttyS0 quiet", None, "8a74a8c9e938d362"),
        (4 << 20, 3, "", (0x84000000, 0x84100000), "fd27f0bea13e092c"),
    ],
)
def test_the_blob_is_what_it_always_was(memory, harts, bootargs, initrd, digest):
    """A guest's memory holds the tree, so a byte of it more or less is another run."""
    parts = (uart.PART, finisher.PART, plic.PART, clint.PART)
    isa = "rv64imac_zicntr_zicsr_zifencei_sstc"
    blob = board_tree(parts, (0x80000000, memory), harts, isa, bootargs, initrd)
    assert hashlib.sha256(blob).hexdigest().startswith(digest)


# --- against others ------------------------------------------------------------------------

# What differs by nature: handles are free names, the machine is ours, QEMU counts source 0 or
# not depending on its version, and the newer ISA properties appear in newer versions only.
OURS = {"phandle", "model", "riscv,isa", "mmu-type", "riscv,ndev"}
NEWER = {"riscv,isa-base", "riscv,isa-extensions"}
REFERENCES = {"cpu", "interrupt-parent", "regmap"}


def by_handle(tree):
    """phandle -> path, so that references can be compared by what they point to."""
    found = {}

    def visit(node, path):
        if "phandle" in node.props:
            found[cells(node.props["phandle"])[0]] = path
        for child in node.children:
            visit(child, f"{path}/{child.name}")

    visit(tree, "")
    return found


def comparable(node, handles):
    """A node's properties with references resolved to paths."""
    props = {}
    for name, value in node.props.items():
        if name in REFERENCES:
            props[name] = handles[cells(value)[0]]
        elif name == "interrupts-extended":
            words = cells(value)
            props[name] = [(handles[w], n) for w, n in zip(words[::2], words[1::2], strict=True)]
        elif name not in OURS | NEWER:
            props[name] = value
    return props


@pytest.fixture(scope="module")
def qemu_tree(tmp_path_factory):
    qemu = shutil.which("qemu-system-riscv64")
    if not qemu:
        pytest.skip("qemu-system-riscv64 is not installed")
    path = tmp_path_factory.mktemp("qemu") / "virt.dtb"
    machine = ["-machine", f"virt,dumpdtb={path}", "-smp", "2", "-m", "128M"]
    subprocess.run(
        [qemu, *machine, "-display", "none", "-bios", "none"],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    return parse(path.read_bytes())


def test_every_node_is_as_in_qemu(qemu_tree):
    ours = parse(board_tree(VIRT, MEMORY, harts=2, isa=ISA))
    our_handles, qemu_handles = by_handle(ours), by_handle(qemu_tree)
    compared = 0

    def visit(node, path):
        nonlocal compared
        twin = find(qemu_tree, path or "/")
        assert twin is not None, f"QEMU has no {path}"
        theirs = comparable(twin, qemu_handles)
        theirs.pop("rng-seed", None)  # random bytes: our runs are repeatable
        mine = comparable(node, our_handles)
        if node.name.startswith("cpu@"):  # newer versions describe extensions that we lack
            theirs = {name: value for name, value in theirs.items() if name in mine}
        assert mine == theirs, path
        compared += 1
        for child in node.children:
            visit(child, f"{path}/{child.name}")

    visit(ours, "")
    assert compared == 15 + len(VIRT)


def test_dtc_reads_it(tmp_path):
    dtc = shutil.which("dtc")
    if not dtc:
        pytest.skip("dtc is not installed")
    source = tmp_path / "virt.dtb"
    source.write_bytes(BLOB)
    ran = subprocess.run(
        [dtc, "-q", "-I", "dtb", "-O", "dts", source], capture_output=True, timeout=60, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert 'bootargs = "console=ttyS0 quiet"' in ran.stdout


def test_another_python_reader_agrees():
    fdt = pytest.importorskip("fdt", reason="the fdt package is not installed")
    theirs, ours = fdt.parse_dtb(BLOB), parse(BLOB)

    def visit(node, path):
        twin = theirs.get_node(path or "/")
        assert [p.name for p in twin.props] == list(node.props), path
        assert [n.name for n in twin.nodes] == [c.name for c in node.children], path
        for child in node.children:
            visit(child, f"{path}/{child.name}")

    visit(ours, "")
    assert theirs.get_property("bootargs", "/chosen").value == "console=ttyS0 quiet"
    assert list(theirs.get_property("reg", "/memory@80000000")) == cells64(*MEMORY)
