"""`minihv doctor` tells what works from what does not, and survives whatever the host does."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from minihv.tools import doctor, doctor_probes


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def findings() -> dict[str, doctor.Finding]:
    return {found.name: found for found in doctor.report()}


def test_every_thing_is_looked_at(findings: dict[str, doctor.Finding]):
    assert list(findings) == [
        "Python", "NumPy", "LLVM", "compiled code", "JupyterLab", "browser", "QEMU", "Unicorn",
        "ziglang", "namespaces", "overlayfs", "cgroups", "containers", "/dev/kvm"]


def test_each_says_what_it_is_for_and_how_to_get_it(findings: dict[str, doctor.Finding]):
    for found in findings.values():
        assert found.detail and found.needed_for and found.how_to_get
        assert "\n" not in found.detail + found.needed_for + found.how_to_get


def test_what_these_tests_run_on_is_found(findings: dict[str, doctor.Finding]):
    assert findings["Python"].ok
    assert findings["NumPy"].ok
    assert findings["LLVM"].ok


def test_programs_that_are_absent_are_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert not doctor._browser().ok
    assert not doctor._qemu().ok
    assert "to get it: apt install qemu" in doctor.table([doctor._qemu()])


@pytest.mark.parametrize(("script", "ok", "detail"), [
    ("echo version 9; echo more", True, "version 9"),
    ("echo broken library >&2; exit 1", False, "broken library"),
    ("exit 3", False, "exit status 3"),
])
def test_a_program_is_judged_by_running_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           script: str, ok: bool, detail: str):
    executable(tmp_path / "qemu-system-riscv64", script)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = doctor._qemu()
    assert (found.ok, found.detail) == (ok, detail)


def test_a_probe_that_hangs_is_given_up():
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    assert doctor._run(command, seconds=0.5) == (False, "no answer within 0.5 s")


def test_a_cache_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("a file, so no folder can be made below it")
    monkeypatch.delenv("MINIHV_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not doctor._cache().ok
    monkeypatch.setenv("MINIHV_CACHE", str(tmp_path / "file" / "cache"))
    assert not doctor._cache().ok
    monkeypatch.setenv("MINIHV_CACHE", str(tmp_path / "new" / "cache"))
    assert doctor._cache().ok
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    monkeypatch.setenv("MINIHV_CACHE", str(tmp_path / "open"))
    assert not doctor._cache().ok  # others could put code there that we run
    (tmp_path / "open").rmdir()
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]      # it only looked


@pytest.mark.parametrize("missing", [None, "LLVM", "QEMU"])
def test_only_what_is_required_counts(missing: str | None, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]):
    names = [*doctor.REQUIRED, "QEMU"]
    made = [doctor.Finding(name, name != missing, "use", "detail", "way") for name in names]
    monkeypatch.setattr(doctor, "report", lambda: made)
    status = doctor.main(argparse.Namespace())
    printed = capsys.readouterr()
    assert status == (1 if missing == "LLVM" else 0)
    assert printed.out.count("to get it: way") == (1 if missing else 0)
    assert printed.err == ("minihv: needs LLVM: see above\n" if status else "")


def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(doctor_probes.__file__), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("arguments", [("overlay",), ("cgroup",), ("kvm",),
                                       *(("namespace", kind) for kind in doctor_probes.NAMESPACES)])
def test_a_probe_says_one_line_whatever_the_host(arguments: tuple[str, ...]):
    done = probe(*arguments)
    assert done.returncode in (0, 1)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_refusal_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def refuse(name: str, *_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(doctor_probes, "_call", refuse)
    assert doctor_probes.main(["overlay"]) == 1
    assert capsys.readouterr().out == "Operation not permitted\n"


def test_a_call_that_the_system_lacks_is_named():
    with pytest.raises(OSError, match="no no_such_call"):
        doctor_probes._call("no_such_call")


def test_the_overlay_leaves_nothing_mounted():
    before = Path("/proc/self/mounts")
    if not before.exists():
        pytest.skip("no /proc/self/mounts on this system")
    mounts = before.read_text()
    probe("overlay")
    assert before.read_text() == mounts
