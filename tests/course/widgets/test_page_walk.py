"""PageWalkView's kernel side: the walk that it tells is the one that the hart makes."""

from __future__ import annotations

import random

import pytest

from minihv.chapters.ch01 import PageWalkView
from minihv.devices.virt import Machine
from minihv.errors import ConfigError, MinihvError
from minihv.hw import inspect
from minihv.hw.causes import cause_name

V, R, W, X, U, G, A, D = (1 << k for k in range(8))
ROOT, MIDDLE, LOW, PAGE = 0x80001000, 0x80002000, 0x80003000, 0x80010000
VA = 0x40203123             # VPN 1, 1, 3
INSPECTED = {"load": "read", "store": "write", "fetch": "fetch"}


def entry(target: int, flags: int) -> int:
    return target >> 12 << 10 | flags


def tables(leaf: int, level: int = 0) -> dict[int, int]:
    chain = [(ROOT + 8, MIDDLE), (MIDDLE + 8, LOW)]
    found = {at: entry(target, V) for at, target in chain[: 2 - level]}
    return found | {(LOW + 24, MIDDLE + 8, ROOT + 8)[level]: leaf}


def look(leaf: int, access: str = "load", level: int = 0, mode: str = "U", **state) -> dict:
    return PageWalkView(address=VA, access=access, mode=mode, tables=tables(leaf, level),
                        root=ROOT, **state).walk


def test_the_address_is_split():
    parts = {part["name"]: part["value"] for part in look(0)["split"]}
    assert parts == {"ext": 0, "VPN[2]": 1, "VPN[1]": 1, "VPN[0]": 3, "offset": 0x123}


def test_three_levels_to_a_page():
    walk = look(entry(PAGE, V | R | U | A))
    assert [(s["level"], s["index"], s["kind"]) for s in walk["steps"]] == \
        [(2, 1, "pointer"), (1, 1, "pointer"), (0, 3, "leaf")]
    assert (walk["pa"], walk["cause"]) == (f"{PAGE + 0x123:#x}", None)
    flags = {f["name"]: f["value"] for f in walk["steps"][2]["fields"]}
    assert flags == {"N": "0", "PBMT": "00", "Reserved": "0x0", "PPN": f"{PAGE >> 12:#x}",
                     "RSW": "00", "D": "0", "A": "1", "G": "0", "U": "1", "X": "0", "W": "0",
                     "R": "1", "V": "1"}


def test_the_last_entry_of_a_table_has_no_neighbour_behind():
    top = (1 << 64) - 4096
    view = PageWalkView(address=top, root=ROOT, tables={ROOT + 511 * 8: entry(MIDDLE, V),
                                                        ROOT + 510 * 8: 77})
    step = view.walk["steps"][0]
    assert (step["index"], step["at"]) == (511, f"{ROOT + 511 * 8:#x}")
    assert step["near"] == [f"0x{77:016x}", None]


def test_superpages_end_early():
    walk = look(entry(0x80200000, V | R | U | A), level=1)
    assert [s["kind"] for s in walk["steps"]] == ["pointer", "leaf"]
    assert walk["pa"] == hex(0x80200000 | VA & 0x1FFFFF)


@pytest.mark.parametrize(("leaf", "access", "mode", "state", "cause", "bit"), [
    (entry(PAGE, R | U | A), "load", "U", {}, "Load page fault", "V"),
    (entry(PAGE, V | W | U | A), "store", "U", {}, "Store/AMO page fault", "W"),
    (entry(PAGE, V | R | A), "load", "U", {}, "Load page fault", "U"),
    (entry(PAGE, V | R | U | A), "load", "S", {}, "Load page fault", "U"),
    (entry(PAGE, V | X | U | A), "fetch", "S", {"sum": True}, "Instruction page fault", "U"),
    (entry(PAGE, V | R | U | A), "store", "U", {}, "Store/AMO page fault", "W"),
    (entry(PAGE, V | X | U | A), "load", "U", {}, "Load page fault", "R"),
    (entry(PAGE, V | R | U | A), "fetch", "U", {}, "Instruction page fault", "X"),
    (entry(PAGE, V | R | U), "load", "U", {"svade": True}, "Load page fault", "A"),
    (entry(PAGE, V | R | W | U | A), "store", "U", {"svade": True}, "Store/AMO page fault", "D"),
    (entry(PAGE, V | R | U | A) | 1 << 63, "load", "U", {}, "Load page fault", "N"),
    (entry(PAGE, V | R | U | A) | 1 << 61, "load", "U", {}, "Load page fault", "PBMT"),
    (entry(PAGE, V | R | U | A) | 1 << 55, "load", "U", {}, "Load page fault", "Reserved"),
    (entry(PAGE, V), "load", "U", {}, "Load page fault", "R"),
])
def test_a_fault_blames_its_bit(leaf, access, mode, state, cause, bit):
    walk = look(leaf, access, mode=mode, **state)
    last = walk["steps"][-1]
    assert (walk["cause"], last["level"], last["kind"], last["bit"]) == (cause, 0, "fault", bit)
    assert walk["pa"] is None


def test_what_saves_the_faults_above():
    assert look(entry(PAGE, V | R | U | A), mode="S", sum=True)["pa"]
    assert look(entry(PAGE, V | X | U | A), mxr=True)["pa"]
    assert look(entry(PAGE, V | R | W | U), "store")["pa"]      # hardware sets A and D


def test_a_misaligned_superpage_blames_its_ppn():
    walk = look(entry(0x80201000, V | R | U | A), level=1)
    assert (walk["steps"][-1]["bit"], walk["cause"]) == ("PPN", "Load page fault")


def test_an_address_that_is_not_canonical_reads_no_table():
    view = PageWalkView(address=1 << 38, tables={}, root=ROOT, access="store")
    assert (view.walk["steps"], view.walk["cause"]) == ([], "Store/AMO page fault")
    assert "bit 38" in view.said
    view.text()
    view.picture()


@pytest.mark.parametrize("seed", range(4))
def test_random_tables_agree_with_the_hart(seed: int):
    """Against the machine's own inspection, which a test there holds against the hardware."""
    chance = random.Random(seed)
    machine = Machine(1 << 20, engine="python", svade=seed % 2 == 1)
    hart = machine.harts[0]
    hart.csr["pmpaddr0"], hart.csr["pmpcfg0"] = (1 << 54) - 1, 0x1F
    hart.csr["satp"] = 8 << 60 | ROOT >> 12
    outcomes = set()
    for _ in range(300):
        for at, target, leafy in ((ROOT + 8, MIDDLE, 0.15), (MIDDLE + 8, LOW, 0.2),
                                  (LOW + 24, PAGE, 0.95)):
            flags = chance.getrandbits(8) | chance.choice((V, V, V | A | D, 0))
            if chance.random() > leafy:
                flags = V
            if chance.random() < 0.05:
                flags |= 1 << chance.randrange(8, 64)
            if chance.random() < 0.03:
                target = 0x1000
            machine.memory.write(at, (entry(target, 0) | flags).to_bytes(8, "little"))
        mode, access = chance.choice("US"), chance.choice(sorted(INSPECTED))
        hart.csr["mstatus"] = chance.choice((0, 1 << 18)) | chance.choice((0, 1 << 19))
        hart.priv = "US".index(mode)
        va = chance.choice((VA, VA, VA, VA | 1 << 40))
        told = PageWalkView(hart, va, access, mode=mode).walk
        real = inspect.walk(hart, va, INSPECTED[access])
        steps = [step.kind for step in real.steps]
        assert [step["kind"] for step in told["steps"]][: len(steps) - 1] == steps[:-1]
        if real.pa is None and not real.verdict.endswith("only from RAM"):
            assert told["cause"] == cause_name(real.cause)
        elif real.pa is not None:
            assert told["pa"] == f"{real.pa:#x}"
        outcomes.add(told["cause"] or "pa")
    assert len(outcomes) >= 5


def test_the_walk_is_told_step_by_step():
    view = PageWalkView(address=VA, tables=tables(entry(PAGE, V | R | U | A)), root=ROOT)
    assert (view.shown, view.length) == (0, 4)
    for steps, word in ((1, "Points"), (2, "Points"), (3, "Leaf"), (4, "translates to")):
        view.obey({"do": "move", "with": 1})
        assert view.shown == steps and word in view.said
    view.obey({"do": "move", "with": 9})
    assert view.shown == 4
    view.obey({"do": "move", "with": -9})
    assert view.shown == 0
    view.show(3)
    assert "Leaf" in view.said


def test_the_page_asks_for_another_address():
    view = PageWalkView(address=VA, tables=tables(entry(PAGE, V | R | U | A)), root=ROOT)
    view.obey({"do": "look", "address": "0x40203ff8", "access": "store", "mode": "U"})
    assert view.walk["va"] == "0x0000000040203ff8" and view.walk["why"] == "write"
    for text in ("", "0x", "zebra", "-1", "0x1" + 16 * "0"):
        view.obey({"do": "look", "address": text, "access": "load", "mode": "U"})
        assert view.wrong and repr(text) in view.said
        assert view.walk["va"] == "0x0000000040203ff8"


def test_bad_arguments_are_named():
    with pytest.raises(ConfigError, match="tables"):
        PageWalkView(address=0)
    with pytest.raises(ConfigError, match="choose load"):
        PageWalkView(address=0, tables={}, root=0, access="read")
    with pytest.raises(MinihvError, match="satp"):
        PageWalkView(Machine(1 << 20, engine="python").harts[0], 0)


def test_every_bit_and_every_reason_has_words():
    from minihv.chapters.ch01.views.pagewalk import BLAME, PTE_FIELDS

    words = PageWalkView(address=0, tables={}, root=0).words
    assert all(f"bit_{field.name}" in words for field in PTE_FIELDS)
    reasons = {*BLAME, "canonical", "outside", "reserved", "pointer_bits"}
    assert all(f"why_{why}" in words for why in reasons)


def test_the_stored_output_reads_without_a_kernel():
    view = PageWalkView(address=VA, tables=tables(entry(PAGE, V | R | A)), root=ROOT, whole=True)
    data, _ = view._repr_mimebundle_()
    assert "Load page fault at level 0: U is 0" in data["text/plain"]
    assert "Load page fault" in data["image/svg+xml"]
