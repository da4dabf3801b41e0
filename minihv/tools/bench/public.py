"""Public programs as guests: fetched as Debian's source packages, built for a bare machine.

apt gets a state, a cache and lists of its own, so nothing of the host's changes; all of it is in
the user's cache folder. A cross compiler that this host lacks comes the same way, unpacked and not
installed. `guests/` has what we add: start-up code, a linker script that packs code and data as
people do, a console, and a `main` for each library.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from minihv.hw.engine import cache_folder
from minihv.tools.bench.peers import Absent

FOLDER = "bench"  # in the cache folder
TARGET = "riscv64-unknown-elf"
TOOLS = (f"gcc-{TARGET}", f"picolibc-{TARGET}")
OURS = Path(__file__).with_name("guests")
FLAGS = ("-O2", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", "-w", "-ffunction-sections",
         "-fdata-sections", "-Wl,--gc-sections", "-nostdlib", "-static")
PROGRAMS = {  # Debian's source package: its files, its options
    "lz4": ("lib/lz4.c", "-DLZ4 -DROUNDS=250 -Ilib"),
    "zlib": ("[!g]*.c", "-DZLIB -DROUNDS=60 -I."),
    "bzip2": ("blocksort.c bzlib.c compress.c crctable.c decompress.c huffman.c randtable.c",
              "-DBZIP2 -DBZ_NO_STDIO -DROUNDS=10 -I."),
    "lua5.4": ("src/l[!u]*.c src/lundump.c", "-DLUA -DROUNDS=12 -Isrc"),
    "md4c": ("src/*.c", "-DMD4C -DROUNDS=80 -Isrc"),
    "mbedtls": ("library/*.c", "-DMBEDTLS -DROUNDS=40 -Iinclude -DMBEDTLS_CONFIG_FILE=<stddef.h> "
                "-DMBEDTLS_AES_C -DMBEDTLS_SHA256_C -DMBEDTLS_SHA512_C -DMBEDTLS_BIGNUM_C"),
}
SUPERVISOR = ("lua5.4", "lz4", "zlib")  # built a second time, for S-mode under Sv39


def programs(say: Callable[[str], None]) -> list[Path]:
    """Return the ELF files that could be had, building what is missing; Absent if none could."""
    ours = b"".join(path.read_bytes() for path in [Path(__file__), *sorted(OURS.glob("*.*"))])
    folder = cache_folder() / FOLDER
    built = folder / hashlib.sha256(ours).hexdigest()[:16]
    built.mkdir(parents=True, exist_ok=True)
    apt, why = None, ""
    for name, mode in [(name, "") for name in PROGRAMS] + [(name, "-s") for name in SUPERVISOR]:
        if (elf := built / f"{name}{mode}.elf").exists():
            continue
        say(f"{elf.stem}: fetching and building ...")
        try:
            apt = apt or Apt(folder)
            unfinished = elf.with_suffix(f".{os.getpid()}.tmp")
            _build(name, ["-DSUPERVISOR"] if mode else [], apt, unfinished)
            unfinished.replace(elf)
        except Absent as error:
            why = str(error)
            if apt is None:
                break
            say(f"{elf.stem}: left out ({why})")
    if not (found := sorted(built.glob("*.elf"))):
        raise Absent(f"{why}; programs of your own need none of that: minihv bench GUEST.elf")
    return found


class Apt:
    """apt-get that writes in `folder` only; it reads the host's sources, keys and packages.

    `root` is where usr/ has the cross compiler and its C library: / or a folder of ours.
    """

    def __init__(self, folder: Path):
        if not shutil.which("apt-get"):
            raise Absent("public programs come by apt-get, which this host does not have")
        self.folder = folder
        for name in ("lists/partial", "archives/partial", "parts", "src"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        settings = {"Dir::State": folder, "Dir::State::status": "/var/lib/dpkg/status",
                    "Dir::Cache": folder, "Dir::Etc::sourcelist": "/dev/null",
                    "Dir::Etc::sourceparts": folder / "parts", "APT::Sandbox::User": "",
                    "Debug::NoLocking": 1, "Acquire::Retries": 1, "Acquire::http::Timeout": 20}
        self._command = ["apt-get", "-q", "-y", *(f"-o{name}={value}"
                                                  for name, value in settings.items())]
        parts = Path("/etc/apt/sources.list.d")
        for path in [parts.with_suffix(""), *parts.glob("*.list"), *parts.glob("*.sources")]:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            text = re.sub(r"(?m)^Types:.*", "Types: deb deb-src", text)
            text = re.sub(r"(?m)^deb\s(.*)", r"deb \1\ndeb-src \1", text)
            (folder / "parts" / path.name).write_text(text, encoding="utf-8")
        self.run("update")
        if not list(folder.glob("lists/*_Sources*")):
            raise Absent("apt-get brought no lists of sources (no network?)")
        self.root = self._tools()

    def run(self, *words: str) -> None:
        """Have apt-get do something in the folder of sources; Absent with its reason."""
        _run([*self._command, *words], self.folder / "src")

    def source(self, name: str) -> Path:
        """Return the folder of a source package's upstream files."""
        into = self.folder / "src" / name
        if not into.exists():
            self.run("source", "--tar-only", "--only-source", name)
            found = sorted(into.parent.glob(f"{name}_*.orig.tar.*[!c]"))
            if not found:
                raise Absent(f"apt-get brought no source of {name}")
            unpacked = self.folder / "unpacked"
            shutil.rmtree(unpacked, ignore_errors=True)
            with tarfile.open(found[-1]) as archive:
                archive.extractall(unpacked, filter="data")
            next(unpacked.iterdir()).replace(into)
        return into

    def _tools(self) -> Path:
        own = self.folder / "tools"
        for root in (Path("/"), own):
            if (root / f"usr/bin/{TARGET}-gcc").exists() and _library(root):
                return root
        self.run("install", "--download-only", "--no-install-recommends", *TOOLS)
        for package in self.folder.glob("archives/*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(own)], self.folder)
        if not _library(own):
            raise Absent(f"apt-get brought no {' and '.join(TOOLS)}")
        return own


def _library(root: Path) -> Path | None:
    """Return the folder of picolibc's libc.a for our kind of machine, if it is there."""
    return next(root.glob(f"usr/lib/picolibc/{TARGET}/lib/**/rv64imac/lp64"), None)


def _build(name: str, mode: list[str], apt: Apt, out: Path) -> None:
    source, root = apt.source(name), apt.root
    patterns, options = PROGRAMS[name]
    files = [path for pattern in patterns.split() for path in sorted(source.glob(pattern))]
    _run([f"{root / 'usr/bin'}/{TARGET}-gcc", *FLAGS, *options.split(), *mode,
          "-isystem", f"{root / 'usr/lib/picolibc'}/{TARGET}/include",
          *map(str, [*sorted(OURS.glob("*.[cS]")), *files]),
          "-T", f"{OURS}/packed.ld", f"-L{_library(root)}",
          "-Wl,--start-group", "-lc", "-lgcc", "-Wl,--end-group", "-o", str(out)], source,
         PATH=f"{root / 'usr/bin'}:{os.environ['PATH']}",
         LD_LIBRARY_PATH=":".join(map(str, root.glob("usr/lib/*-linux-gnu"))))


def _run(command: list[str], where: Path, **variables: str) -> None:
    """Run a program that has to succeed; Absent with the first of its lines that tells why."""
    try:
        done = subprocess.run(command, cwd=where, env={**os.environ, **variables, "LC_ALL": "C"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"{command[0]}: {error}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        why = next((line for line in lines if re.search(r"^E:|error|undefined", line)), lines[-1])
        raise Absent(f"{Path(command[0]).name} failed: {why}")
