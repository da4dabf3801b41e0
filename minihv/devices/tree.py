"""The device tree of a board: what its parts say of themselves, beside memory and harts.

Laid out as QEMU lays out its own (hw/riscv/virt.c):

    /chosen  /memory@80000000  /cpus/cpu@0 ...  /poweroff  /reboot  /soc/serial@10000000 ...
"""

from __future__ import annotations

from collections.abc import Sequence

from minihv.devices.board import PHANDLE_HARTS, PHANDLE_PLIC, Part
from minihv.devices.fdt import Node, Value, cells64, flatten

TIMEBASE = 10_000_000  # Hz


def board_tree(
    parts: Sequence[Part],
    memory: tuple[int, int],
    harts: int,
    isa: str,
    bootargs: str = "",
    initrd: tuple[int, int] | None = None,
) -> bytes:
    """Return the blob. memory: gpa and size of RAM in bytes; initrd: gpa of its start and end.

    `isa` is an ISA string such as "rv64imac_zicsr_zifencei".
    """
    wide: dict[str, Value] = {"#address-cells": 2, "#size-cells": 2}
    soc = [_device(part, part.node, harts) for part in parts if part.node is not None]
    nodes = [
        Node("chosen", _chosen(soc, bootargs, initrd)),
        Node(f"memory@{memory[0]:x}", {"device_type": "memory", "reg": cells64(*memory)}),
        _cpus(harts, isa),
        *(node for part in parts for node in part.root_nodes),
        Node("soc", {**wide, "compatible": "simple-bus", "ranges": None}, soc),
    ]
    return flatten(
        Node("", {**wide, "compatible": "riscv-virtio", "model": "minihv,virt"}, nodes)
    )


def _device(part: Part, said: Node, harts: int) -> Node:
    """Add to what a part says where it is, and how its interrupts reach the harts."""
    compatible, *more = said.props.items()
    props = dict([compatible]) | {"reg": cells64(part.base, part.size)}
    if part.irq:
        props |= {"interrupts": part.irq, "interrupt-parent": PHANDLE_PLIC}
    props |= dict(more)
    if part.drives:
        wires = [(_intc(hart), bit) for hart in range(harts) for bit in part.drives]
        props["interrupts-extended"] = [cell for wire in wires for cell in wire]
    return Node(f"{said.name}@{part.base:x}", props, said.children)


def _chosen(soc: list[Node], bootargs: str, initrd: tuple[int, int] | None) -> dict[str, Value]:
    ports = [node.name for node in soc if node.name.startswith("serial@")]
    props: dict[str, Value] = {"stdout-path": f"/soc/{ports[0]}"} if ports else {}
    if bootargs:
        props["bootargs"] = bootargs
    if initrd:
        props["linux,initrd-start"] = cells64(initrd[0])
        props["linux,initrd-end"] = cells64(initrd[1])
    return props


def _cpus(harts: int, isa: str) -> Node:
    cores = [Node(f"core{h}", {"cpu": PHANDLE_HARTS + 2 * h}) for h in range(harts)]
    cpu_map = Node("cpu-map", {}, [Node("cluster0", {}, cores)])
    props: dict[str, Value] = {
        "#address-cells": 1, "#size-cells": 0, "timebase-frequency": TIMEBASE,
    }  # fmt: skip
    return Node("cpus", props, [*(_cpu(h, isa) for h in range(harts)), cpu_map])


def _cpu(hart: int, isa: str) -> Node:
    single, *named = isa.split("_")
    controller: dict[str, Value] = {
        "#interrupt-cells": 1,
        "interrupt-controller": None,
        "compatible": "riscv,cpu-intc",
        "phandle": _intc(hart),
    }
    props: dict[str, Value] = {
        "phandle": PHANDLE_HARTS + 2 * hart,
        "device_type": "cpu",
        "reg": hart,
        "status": "okay",
        "compatible": "riscv",
        "riscv,isa": isa,
        "riscv,isa-base": single[:5],  # "rv64i": the newer form, which kernels prefer
        "riscv,isa-extensions": [*single[4:], *named],
        "mmu-type": "riscv,sv39",
    }
    return Node(f"cpu@{hart:x}", props, [Node("interrupt-controller", controller)])


def _intc(hart: int) -> int:
    """Return the phandle of a hart's own interrupt controller."""
    return PHANDLE_HARTS + 2 * hart + 1
