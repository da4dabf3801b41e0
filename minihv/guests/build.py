"""Build the guest programs from minihv/guests/src into minihv/guests/bin.

    python -m minihv.guests.build            writes the ELF images
    python -m minihv.guests.build --check    says which committed images differ from their sources

The compiler is the clang and lld inside the `ziglang` package, pinned, so that the same sources
give the same bytes on every host: sources are named relative to their directory, there is no
debug information, no build id and no compiler comment. Symbols stay, so that a disassembly
shows names. Only rebuilding needs it; running a guest does not.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from minihv.errors import MinihvError
from minihv.guests import BIN, SRC, labos

ZIGLANG = "0.17.1"

COMPILE = (
    "--target=riscv64-unknown-elf -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany "
    "-ffreestanding -fno-builtin -nostdinc -fno-pic -fno-stack-protector -fno-ident "
    "-fno-asynchronous-unwind-tables -Wall -Wextra -Werror"
).split()
LINK = ["-n", "--build-id=none", "--discard-locals", "--fatal-warnings"]

SMALL = ("-Os",)
READABLE = ("-Os", "-fno-inline")  # one symbol for each function of the source
FAST = ("-O2", "-fno-unroll-loops")
CALLS = (*FAST, "-fno-inline", "-fno-optimize-sibling-calls")

M_MODE = ("start_m.S", "board.c", "say.c", "machine.c")
S_MODE = ("start_s.S", "sbi.c", "say.c")
BENCH = (*M_MODE, "sv39.c", "bench.c")
PAGING = ("paging.c", "paging_faults.c", "paging_probe.S", "paging_user.S", "sv39.c", "trap.S")


class BuildError(MinihvError):
    """A guest program that cannot be built: no compiler, or an error in its source."""


@dataclass(frozen=True)
class Recipe:
    """How one guest is built: sources in link order, linker script, optimization flags."""

    sources: tuple[str, ...]
    script: str = "m.ld"
    flags: tuple[str, ...] = SMALL


RECIPES: dict[str, Recipe] = {
    "hello": Recipe(("start_m.S", "hello.c"), flags=READABLE),
    "hello-s": Recipe((*S_MODE, "fdt.c", "hello_s.c"), script="s.ld", flags=READABLE),
    "timer": Recipe((*M_MODE, "trap.S", "timer.c")),
    "paging": Recipe((*M_MODE, *PAGING)),
    "bench-sieve": Recipe((*BENCH, "bench_sieve.c"), flags=FAST),
    "bench-chase": Recipe((*BENCH, "bench_chase.c"), flags=FAST),
    "bench-calls": Recipe((*BENCH, "bench_calls.c"), flags=CALLS),
    "exits": Recipe((*M_MODE, "exits.c")),
    "syscalls": Recipe((*BENCH, "trap.S", "syscalls.c", "syscalls_user.S")),
}
ALL = (*RECIPES, *labos.IMAGES)


def compiler_version() -> str | None:
    """Return the installed ziglang's version, or None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ziglang")
    except PackageNotFoundError:
        return None


def why_not() -> str | None:
    """Return why guests cannot be rebuilt here, and how to mend it; None if they can."""
    found = compiler_version()
    if found == ZIGLANG:
        return None
    what = "ziglang is not installed" if found is None else f"ziglang is {found}, not {ZIGLANG}"
    return f"{what}: pip install ziglang=={ZIGLANG}"


def _zig(tool: str, *arguments: str) -> None:
    import subprocess

    command = [sys.executable, "-m", "ziglang", tool, *arguments]
    done = subprocess.run(command, cwd=SRC, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"{tool} {arguments[-1]} failed:\n{done.stderr or done.stdout}")


def build(name: str) -> bytes:
    """Build the ELF image of guest `name` and return it. Raises BuildError."""
    recipe = RECIPES.get(name)
    if recipe is None and name not in labos.IMAGES:
        raise BuildError(f"no guest named {name!r}; there are {', '.join(ALL)}")
    if reason := why_not():
        raise BuildError(reason)
    with tempfile.TemporaryDirectory() as directory:
        if recipe is None:
            return labos.build(name, _zig, COMPILE, LINK, Path(directory))
        objects = []
        for source in recipe.sources:
            objects.append(str(Path(directory) / (source + ".o")))
            _zig("clang", *COMPILE, *recipe.flags, "-c", "-o", objects[-1], source)
        image = Path(directory) / "image.elf"
        _zig("ld.lld", *LINK, "-T", recipe.script, *objects, "-o", str(image))
        return image.read_bytes()


def main(arguments: list[str] | None = None) -> int:
    """Build or check all guests, or those named; return 0 if all went well, else 1."""
    parser = argparse.ArgumentParser(prog="python -m minihv.guests.build", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="guests to build (default: all)")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    different = 0
    for name in options.names or ALL:
        try:
            image = build(name)
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
        target = BIN / f"{name}.elf"
        same = target.exists() and target.read_bytes() == image
        if not options.check:
            target.write_bytes(image)
        different += options.check and not same
        state = "unchanged" if same else "DIFFERS" if options.check else "written"
        print(f"{name:12} {len(image):6} bytes  {state}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
