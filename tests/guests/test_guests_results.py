"""The checksums in expected/*.txt, computed again by other means: what the guests print is right,
not merely the same everywhere."""

import functools
import re
import zlib
from array import array

from tests.guests.console import expected


def lcg(state: int):
    """Knuth's generator as bench.h has it: the upper 31 bits of each 64-bit state."""
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def numbers(name: str) -> list[int]:
    return [int(n, 0) for n in re.findall(r"0x[0-9a-f]+|\b\d+\b", expected(name))]


def sieve(limit: int) -> bytearray:
    composite = bytearray(limit)
    for i in range(2, int(limit**0.5) + 1):
        if not composite[i]:
            composite[i * i::i] = b"\1" * len(range(i * i, limit, i))
    return composite


def test_sieve_sort_and_crc():
    rounds, limit, count = 6, 1_000_000, 50_000
    composite = sieve(limit)
    random, crc = lcg(1), 0
    for _ in range(rounds):
        crc = zlib.crc32(composite, crc)
        values = array("I", sorted(next(random) for _ in range(count)))
        crc = zlib.crc32(values.tobytes(), crc)
    primes = composite.count(0) - 2     # 0 and 1 are unmarked and no primes
    assert expected("bench-sieve") == f"bench-sieve: {rounds * primes} primes, crc32 0x{crc:x}\n"


def test_chase():
    nodes, steps = 131_072, 60_000_000
    following, random = list(range(nodes)), lcg(2)
    for i in range(nodes - 1, 0, -1):
        j = next(random) % i
        following[i], following[j] = following[j], following[i]
    path = [0]
    while (node := following[path[-1]]) != 0:
        path.append(node)
    assert len(path) == nodes, "one cycle through all nodes"
    laps, rest = divmod(steps, nodes)
    total = laps * sum(path) + sum(path[:rest])
    assert numbers("bench-chase") == [total, path[rest]]


def test_calls():
    @functools.cache
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    @functools.cache
    def tak(x, y, z):
        return z if y >= x else tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))

    ackermann = 2 ** (9 + 3) - 3        # A(3, n) in closed form
    assert numbers("bench-calls") == [32, fib(32), 24, 16, 8, tak(24, 16, 8), 3, 9, ackermann]


def test_no_guest_expects_a_failed_check():
    assert "FAIL" not in expected("paging") and "all checks passed" in expected("paging")
    assert numbers("exits") == [100_000, 100_000 * 0x60]
    assert numbers("syscalls") == [1_000_000, 1_000_000]
