"""The workloads: their output is a function of their parameters, on every board."""

import zlib

import pytest

from minihv.guests.labos import WORKLOADS
from tests.labos import boards

SMALL = {       # parameters for a short run, in which each still does what it is for
    "compute": "n=3", "syscalls": "n=500", "pingpong": "n=200 processes=3",
    "faults": "n=300 pages=64", "forks": "n=20 live=3 pages=5", "churn": "n=50 pages=3",
    "memory": "n=5000 pages=40", "ticks": "n=20 every=500",
}


def output(board: str, append: str, harts: int = 1) -> str:
    result = boards.run(board, append, harts)
    assert result.ended == "labos: power off"
    assert result.status == 0
    return result.body


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("board", ["qemu", "minihv"])
def test_default_size(board, name):
    assert output(board, f"workload={name}") == boards.expected(name)


@pytest.mark.parametrize("harts", [1, 2, 3, 4])
@pytest.mark.parametrize("name", WORKLOADS)
def test_four_copies_on_any_number_of_harts(name, harts):
    append = f"workload={name} copies=4 {SMALL[name]}"
    wanted = boards.expected(f"{name}-small") * 4
    assert output("qemu-m" if harts % 2 else "qemu", append, harts) == wanted
    assert output("minihv", append, harts) == wanted
    assert output("minihv-m", append + " asids", harts) == wanted


@pytest.mark.parametrize("seed", [1, 77])
@pytest.mark.parametrize("pages", [1, 300])
def test_memory_sum_computed_again(seed, pages):
    n, mask, words = 2000, (1 << 64) - 1, pages * 512
    area = [0] * words
    for page in range(pages):
        area[page * 512] = page
    random, total = seed, 0
    for _ in range(n):
        random = (random * 6364136223846793005 + 1442695040888963407) & mask
        index = (random >> 32) * words >> 32
        total = (total * 31 + area[index]) & mask
        area[index] = total ^ random
    assert output("minihv", f"workload=memory n={n} pages={pages} seed={seed}") == (
        f"memory: n={n} pages={pages} sum={total:x}\n")


def test_compute_sum_computed_again():
    random, crc = 1, 0
    for _ in range(4):
        numbers = []
        for _ in range(256):
            random = (random * 1664525 + 1013904223) & 0xFFFFFFFF
            numbers.append(random)
        data = b"".join(number.to_bytes(4, "little") for number in sorted(numbers))
        # zlib complements the register before and after; the guest does not.
        crc = zlib.crc32(data, crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    primes = 4 * sum(all(n % d for d in range(2, n)) for n in range(2, 2048))
    assert output("minihv", "workload=compute n=4") == f"compute: n=4 primes={primes} crc={crc:x}\n"


def test_sleeping_costs_time_but_no_instructions():
    """What `timed` says, in ticks of ten instructions: 20 sleeps of 500 ticks take 10,000."""
    text = output("minihv", "workload=ticks n=20 every=500 timed")
    ticks = int(text.splitlines()[1].removeprefix("init: ").removesuffix(" ticks"))
    assert 10_000 <= ticks < 10_000 + 20_000


def test_runs_are_equal_to_the_last_instruction():
    texts = {output("minihv", "workload=forks n=10 timed", harts=2) for _ in range(2)}
    assert len(texts) == 1
