"""labos tests itself: the same console on every board, with 1 to 4 harts."""

import pytest

from minihv import guests
from minihv.devices import virt
from minihv.guests.labos import TESTS
from tests.labos import boards


def whole_console(harts: int, mib: int = 128) -> str:
    """What a run without boot arguments prints, put together from the files in expected."""
    sections = "".join(f"{name}\n{boards.expected(name)}" for name in TESTS)
    return (f"labos: {mib} MiB, {harts} hart{'s' * (harts > 1)}\n{sections}"
            f"{len(TESTS)} of {len(TESTS)} tests passed\nlabos: power off\n")


@pytest.mark.parametrize("harts", [1, 2, 3, 4])
@pytest.mark.parametrize("board", boards.BOARDS)
def test_every_board_prints_the_same(board, harts):
    result = boards.run(board, harts=harts)
    assert result.console == whole_console(harts)
    assert result.status == 0


@pytest.mark.parametrize("harts", [1, 4])
@pytest.mark.parametrize("board", boards.BOARDS)
def test_asids_change_nothing_that_a_program_sees(board, harts):
    """Translations outlive a switch now, so a missing remote fence would show."""
    assert boards.run(board, "asids", harts).console == whole_console(harts)


def test_short_slices_change_nothing():
    assert boards.run("minihv", "quantum=2000").console == whole_console(1)


@pytest.mark.parametrize("mib", [8, 1024])
@pytest.mark.parametrize("board", ["qemu", "minihv"])
def test_small_and_large_memory(board, mib):
    assert boards.run(board, mib=mib).console == whole_console(1, mib)


def test_harts_can_be_left_alone():
    assert boards.run("minihv", "harts=2", harts=4).console == whole_console(2)


def test_both_engines_alike():
    """Console, instruction count and all of memory, up to a budget that ends within the tests."""
    states = []
    for engine in ("jit", "python"):
        machine = virt.Machine(memory=16 << 20, engine=engine)
        machine.load(guests.path("labos"))
        machine.run(max_instructions=1_000_000)
        states.append((bytes(machine.console.output), machine.instructions,
                       machine.memory.read(0x80000000, 16 << 20)))
    assert states[0] == states[1]
    assert b"test_fork" in states[0][0]


@pytest.mark.parametrize("board", boards.BOARDS)
def test_a_failure_is_the_exit_status(board):
    result = boards.run(board, "run=fail status=3")
    assert result.ended == "labos: power off, failed"
    if board != "qemu":
        assert result.status == 1


@pytest.mark.parametrize("board", ["qemu-m", "minihv"])
def test_no_such_program(board):
    result = boards.run(board, "workload=nothing")
    assert result.body == "init: no program nothing\n"
    assert result.ended == "labos: power off, failed"


@pytest.mark.parametrize("board", ["qemu", "minihv"])
def test_running_out_of_memory_kills_one_process_only(board):
    """At the end the kernel counts its pages: a lost one makes the run fail."""
    result = boards.run(board, "run=oom", mib=8)
    killed, rest = result.body.split("\n", 1)
    assert killed.startswith("labos: killed: cannot write 0x")  # where: as large as the kernel
    assert rest == boards.expected("oom")
    assert result.ended == "labos: power off"


def test_no_memory_to_boot_in_is_said():
    machine = virt.Machine(memory=8 << 20)
    machine.load(guests.path("labos"))
    tree = machine.harts[0].x[11]
    machine.memory.write(tree, b"\0\0\0\0")
    end = machine.run(max_instructions=1_000_000)
    assert end.exit_status == 1
    assert b"panic: no device tree" in machine.console.output
