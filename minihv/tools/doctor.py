"""What this host offers: `minihv doctor`.

Each thing is found by trying it, never by the system's name. What could hang or change this process
is tried in a child with a time-out. Nothing is installed and nothing is left behind.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from minihv.tools import doctor_probes

TRY_SECONDS = 10.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "firefox")
REQUIRED = ("Python", "NumPy", "LLVM", "JupyterLab")
A_LINUX_HOST = "a Linux host; in a container, one that may make namespaces"


@dataclass(frozen=True)
class Finding:
    """One thing that minihv can use: if it works here, what for, and how to get it."""

    name: str
    ok: bool
    needed_for: str
    detail: str
    how_to_get: str


def _run(command: list[str], seconds: float = TRY_SECONDS) -> tuple[bool, str]:
    """Run a command; return if it ended with 0 in time, and the first line that it printed."""
    import subprocess
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return False, f"no answer within {seconds:g} s"
    except OSError as error:
        return False, error.strerror or str(error)
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return done.returncode == 0, lines[0] if lines else f"exit status {done.returncode}"


def _probe(*arguments: str) -> tuple[bool, str]:
    """Run one of `doctor_probes` in a bare Python of its own."""
    return _run([sys.executable, "-I", "-S", str(doctor_probes.__file__), *arguments])


def _version(package: str) -> tuple[bool, str]:
    """Return if a Python package can be imported, and its version."""
    ok, detail = _run([sys.executable, "-c", f"import {package}"], 60)
    try:
        return ok, metadata.version(package) if ok else "not installed, or it does not import"
    except metadata.PackageNotFoundError:
        return ok, "installed, version unknown"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), "everything",
                   f"{version}, {sys.executable}", "Python 3.11 or newer")


def _numpy() -> Finding:
    return Finding("NumPy", *_turn(_version("numpy"), "the machine's memory and state", "make lab"))


def _jupyterlab() -> Finding:
    return Finding("JupyterLab", *_turn(_version("jupyterlab"), "the course", "make lab"))


def _turn(tried: tuple[bool, str], needed_for: str, how: str) -> tuple[bool, str, str, str]:
    """Put the parts of a Finding in their order."""
    ok, detail = tried
    return ok, needed_for, detail, how


COMPILE = """
from llvmlite import __version__, binding
binding.initialize_native_target()
binding.initialize_native_asmprinter()
binding.Target.from_default_triple().create_target_machine()
print(__version__)
"""


def _llvm() -> Finding:
    tried = _run([sys.executable, "-c", COMPILE], 60)
    return Finding("LLVM", *_turn(tried, "speed: the compiled engine (else plain Python, "
                                  "about 100 times slower)", "make lab"))


def _cache_folders() -> list[Path]:
    """Return where the engine keeps compiled code, in the order in which it tries."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    user = (Path(base) if base else Path.home() / ".cache") / "minihv"
    chosen = os.environ.get("MINIHV_CACHE")
    return [Path(chosen), user] if chosen else [user]


def _writable(folder: Path) -> bool:
    """Can a file be made in `folder`, or in the nearest of its parents that exists? As the engine
    asks: nobody else may write there, for what lies there is run."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    found = there.stat()
    if there == folder and os.name == "posix":
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return False
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False


def _cache() -> Finding:
    folders = _cache_folders()
    usable = next((folder for folder in folders if _writable(folder)), None)
    detail = str(usable) if usable else f"not yours alone: {', '.join(map(str, folders))}"
    return Finding("compiled code", usable is not None, "a quick start (else each start compiles)",
                   detail, "set MINIHV_CACHE to a folder in which you, and only you, may write")


def _browser() -> Finding:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    tried = _run([path, "--version"], 30) if path else (False, "not found on the PATH")
    return Finding("browser", *_turn(tried, "looking at the notebooks; browser tests (Chromium)",
                                     "apt install chromium, or your system's browser"))


def _qemu() -> Finding:
    return Finding("QEMU", *_turn(_run(["qemu-system-riscv64", "--version"]),
                                  "comparing guests and speed with QEMU's",
                                  "apt install qemu-system-misc (or qemu-system-riscv)"))


EMULATE = """
import unicorn
machine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
machine.mem_map(0x1000, 0x1000)
machine.mem_write(0x1000, bytes.fromhex("13000000"))    # nop
machine.emu_start(0x1000, 0x1004)
print(unicorn.__version__)
"""


def _unicorn() -> Finding:
    ok, detail = _run([sys.executable, "-c", EMULATE], 60)
    return Finding("Unicorn", ok, "comparing instructions and speed with Unicorn's",
                   detail if ok else "not installed, or it does not run", "make test or make bench")


def _ziglang() -> Finding:
    ok, detail = _run([sys.executable, "-m", "ziglang", "version"], 60)
    return Finding("ziglang", ok, "rebuilding the C guests (their images are included)",
                   detail if ok else "not installed, or it does not run", "make guests")


def _namespaces() -> Finding:
    tried = {kind: _probe("namespace", kind) for kind in doctor_probes.NAMESPACES}
    working = [kind for kind, (ok, _) in tried.items() if ok]
    failed = [f"{kind}: {why}" for kind, (ok, why) in tried.items() if not ok]
    how = sorted({why for ok, why in tried.values() if ok and "user namespace" in why})
    detail = " ".join(working + [f"({one})" for one in how]) or "none"
    return Finding("namespaces", not failed, "containers on the real kernel (else the model)",
                   "; ".join([detail, *failed]), A_LINUX_HOST)


def _overlay() -> Finding:
    return Finding("overlayfs", *_turn(_probe("overlay"), "container images on the real kernel",
                                       A_LINUX_HOST))


def _cgroup() -> Finding:
    return Finding("cgroups", *_turn(_probe("cgroup"), "limits of containers on the real kernel",
                                     "root, or a group that is delegated to you"))


def _containers() -> Finding:
    from minihv.containers.linux import probe

    found = probe.facts()
    refused = [f"{what}: {detail}" for what, ok, detail in found if not ok]
    works = ", ".join(what for what, ok, _ in found if ok)
    return Finding("containers", all(ok or what == "busybox" for what, ok, _ in found),
                   "minihv container run, and chapter 15 on the real kernel (else the model)",
                   "; ".join([works or "none", *refused]),
                   f"run as root: sudo {shlex.quote(sys.executable)} -m minihv doctor shows "
                   "what that gives; apt install busybox-static for the image")


def _kvm() -> Finding:
    return Finding("/dev/kvm", *_turn(_probe("kvm"), "the chapter on real KVM",
                                      "a Linux host with virtualization switched on in firmware; "
                                      "if permission is denied: usermod -aG kvm YOU"))


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python, _numpy, _llvm, _cache, _jupyterlab, _browser, _qemu, _unicorn, _ziglang,
    _namespaces, _overlay, _cgroup, _containers, _kvm)


def report() -> list[Finding]:
    """Try everything, in a few seconds; never raise for what is missing."""
    return [check() for check in CHECKS]


def table(findings: list[Finding]) -> str:
    """Return the findings as text; what is missing comes with how to get it."""
    lines = []
    for found in findings:
        lines.append(f"{'ok' if found.ok else '--'}  {found.name:<14} {found.detail}")
        lines.append(f"    {'':<14} for {found.needed_for}")
        if not found.ok:
            lines.append(f"    {'':<14} to get it: {found.how_to_get}")
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`minihv doctor` has no options."""


def main(options: argparse.Namespace) -> int:
    """Print the table; return 0 if all that minihv itself requires works, else 1."""
    findings = report()
    print(table(findings))
    missing = [found.name for found in findings if found.name in REQUIRED and not found.ok]
    if missing:
        print(f"minihv: needs {', '.join(missing)}: see above", file=sys.stderr)
    return 1 if missing else 0
