"""Fuzzing: whatever a guest is made of, the process that runs it ends clean.

    python tests/hw/fuzz.py --words 10000000 --elves 1000      the long form, some minutes
    python tests/hw/fuzz.py --words 100000 --elves 100 --seed 7 --engine python

Random words run as code in M-mode, in S- and U-mode under Sv39, and in S-mode over the host's SBI
(`chaos`); then images: the guests' ELF files with bytes changed, fields set to extreme values or
parts cut off, and flat files. Each job runs in a child process with finite budgets. Anything but
its clean end (a crash, a traceback, a hang, more memory than MEMORY_LIMIT) is a failure, reported
with the seed that repeats it.
"""

from __future__ import annotations

import argparse
import os
import random
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

FILL = 1 << 20  # words that one machine holds
CHUNK, SKIP = 256, 16  # words until the guest is brought back to order; words given up if lost
TICKS = 60  # a word's share of the budget: about what one takes on average
IMAGE_TICKS = 100_000
IMAGE_MEMORY = 8 << 20
IMAGES_PER_JOB = 100
SECONDS = 600  # until a child counts as hanging
MEMORY_LIMIT = 8 << 30  # bytes of address space


# --- what a child does ----------------------------------------------------------------------------


def run_words(mode: str, seed: int, count: int, engine: str) -> str:
    """Execute `count` random words in `mode`; a line that says how far it came."""
    from tests.hw.chaos import WORDS, Chaos, make_eager

    size = -(-(count * 4 + (WORDS - (1 << 31))) // 4096) * 4096
    chaos = Chaos(seed, mode, engine, size=size)
    machine = chaos.machine
    if engine == "jit" and seed % 4 == 0:
        make_eager(machine, 1000)
    reached, at, ends = 0, 0, Counter()
    while at < count:
        chaos.aim(at)
        ends[machine.run(CHUNK * TICKS).reason] += 1
        new = chaos.position()
        if at < new < at + CHUNK * TICKS:
            reached += min(new, count) - at
            at = new
        else:  # the guest lost its place, or is stuck there
            at += SKIP
        machine.console._output.clear()
    ticks = sum(hart.clock for hart in machine.harts)
    return f"{mode}: {reached} of {count} words, {ticks} ticks, ends {dict(ends)}"


def corpus() -> list[bytes]:
    """Images to start from: the guests, and small programs with HTIF."""
    from minihv.asm import assemble

    files = [path.read_bytes() for path in sorted((ROOT / "minihv/guests/bin").glob("*.elf"))]
    small = [data for data in files if len(data) < 20_000]
    source = """
    _start: la t0, tohost
            la t1, call
    1:      sd t1, (t0)
            addi t2, t2, 1
            slli t3, t2, 5
            sd t3, 16(t1)
            sd t2, 24(t1)
            li t4, 200
            bne t2, t4, 1b
            li t1, 3
            sd t1, (t0)
            j .
            .align 6
    call:   .dword 64, 1, 0x80000000, 100, 0, 0, 0, 0
            .align 6
    tohost: .dword 0
    fromhost: .dword 0
    """
    return [*small, *[assemble(source, 0x80000000).elf()] * 4]


EXTREMES = (
    *(0, 1, 3, 7, 0xFF, 0xFFF, 0x1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 1 << 40),
    *((1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 4096, 0x80001001, 0x807FFFFC),
)


def headers(data: bytes) -> list[tuple[int, int]]:
    """Where the ELF's own tables lie: (offset, length) of its headers and of its symbols."""
    places = [(0, min(64, len(data)))]
    if len(data) < 64 or data[:4] != b"\x7fELF":
        return places
    phoff, shoff = struct.unpack_from("<2Q", data, 32)
    phsize, phnum, shsize, shnum = struct.unpack_from("<4H", data, 54)
    places += [(phoff, phsize * phnum), (shoff, shsize * shnum)]
    for k in range(shnum):
        at = shoff + shsize * k
        if at + 64 <= len(data):
            kind, (offset, size) = struct.unpack_from("<I", data, at + 4), (0, 0)
            offset, size = struct.unpack_from("<2Q", data, at + 24)
            if kind[0] in (2, 3):  # symbols and strings
                places.append((offset, size))
    return [(at, n) for at, n in places if n and at + n <= len(data)]


def mutate(data: bytes, chosen: random.Random) -> bytes:
    """One to eight changes, most of them where the loader looks."""
    changed = bytearray(data)
    places = headers(data)
    for _ in range(chosen.choice((1, 1, 1, 2, 3, 8))):
        at, length = chosen.choice([places[0], *places, (0, len(data))])
        offset = at + chosen.randrange(length)
        how = chosen.randrange(5)
        if how == 0:
            changed[offset] ^= 1 << chosen.randrange(8)
        elif how == 1:
            changed[offset] = chosen.randrange(256)
        elif how == 2:  # a whole field
            width = chosen.choice((2, 4, 8))
            offset &= -width
            value = chosen.choice(EXTREMES) & (1 << 8 * width) - 1
            changed[offset : offset + width] = value.to_bytes(width, "little")
        elif how == 3:
            changed[offset : offset + 16] = chosen.randbytes(16)
        elif len(changed) > 1:
            del changed[chosen.randrange(len(changed)) :]
            break
    return bytes(changed)


def some_image(chosen: random.Random, base: list[bytes]) -> bytes:
    """A mutated ELF, or now and then a flat file or the head of a Linux Image."""
    kind = chosen.randrange(12)
    if kind == 0:
        return chosen.randbytes(chosen.randrange(200))
    if kind == 1:
        head = bytearray(chosen.randbytes(64))
        head[0x38:0x3C] = b"RSC\x05"
        return bytes(head) + chosen.randbytes(chosen.randrange(300))
    return mutate(chosen.choice(base), chosen)


def run_images(seed: int, count: int, engine: str) -> str:
    """Load and run `count` images; a line that says how they ended."""
    from minihv.devices.virt import Machine
    from minihv.errors import MinihvError

    base, ends = corpus(), Counter()
    for number in range(count):
        chosen = random.Random(f"{seed}.{number}")
        image = some_image(chosen, base)
        machine = Machine(
            memory=IMAGE_MEMORY, harts=chosen.choice((1, 1, 1, 3)), engine=engine,
            svade=chosen.random() < 0.2,
        )  # fmt: skip
        try:
            machine.load(
                image, chosen.choice((None, None, "m", "s")), append="x" * chosen.choice((0, 9))
            )
        except MinihvError as error:
            text = str(error)
            assert text and "\n" not in text and len(text) < 500, f"unclear message: {text!r}"
            ends["refused"] += 1
            continue
        machine.console.feed(b"some input\n")
        ends[machine.run(IMAGE_TICKS).reason] += 1
    return f"images: {count}, {dict(ends)}"


def child(job: str, seed: int, count: int, engine: str) -> None:
    """Do one job under limits, and print its line."""
    import faulthandler
    import resource

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    run = run_images if job == "images" else None
    print(run(seed, count, engine) if run else run_words(job, seed, count, engine), flush=True)


# --- the parent -------------------------------------------------------------------------------


def jobs(words: int, elves: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """(job, seed, count), each for one child process."""
    for number, first in enumerate(range(0, words, FILL)):
        for job in ("m", "s", "u", "sbi"):
            yield job, seed + number, min(FILL, words - first)
    for number, first in enumerate(range(0, elves, IMAGES_PER_JOB)):
        yield "images", seed + number, min(IMAGES_PER_JOB, elves - first)


def start(job: str, seed: int, count: int, engine: str, seconds: float = SECONDS) -> str | None:
    """Run one job in a child and print its line; what went wrong, or None."""
    command = [sys.executable, __file__, "--child", job, "--seed", str(seed)]
    command += ["--count", str(count), "--engine", engine]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": "0"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{job}, seed {seed}, count {count}: hangs (no end after {seconds} s)"
    if done.returncode or "Traceback" in done.stderr:
        text = "\n".join(done.stderr.splitlines()[-30:])
        return f"{job}, seed {seed}, count {count}: status {done.returncode}\n{text}"
    print(f"[{time.monotonic() - began:6.1f} s] seed {seed}: {done.stdout.strip()}", flush=True)
    return None


def fuzz(words: int, elves: int, seed: int = 1, engine: str = "jit") -> list[str]:
    """Run all jobs one after the other; what went wrong."""
    found = [start(job, number, count, engine) for job, number, count in jobs(words, elves, seed)]
    return [failure for failure in found if failure]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--words", type=int, default=100_000, help="random words in each mode")
    parser.add_argument("--elves", type=int, default=100, help="changed images")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("jit", "python"), default="jit")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.seed, given.count, given.engine)
        return 0
    failures = fuzz(given.words, given.elves, given.seed, given.engine)
    print("\n".join(failures) or "nothing but clean ends", flush=True)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
