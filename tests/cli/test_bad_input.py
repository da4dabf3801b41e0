"""Bad usage and bad files: one clear line on stderr, exit status 2, nothing on stdout."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from minihv import cli, guests
from minihv.tools.arguments import size
from tests.cli.command import one_line, run

HELLO = guests.path("hello")


def patched(folder: Path, *changes: tuple[int, bytes]) -> Path:
    """hello.elf with some bytes changed."""
    data = bytearray(HELLO.read_bytes())
    for offset, new in changes:
        data[offset : offset + len(new)] = new
    path = folder / "bad.elf"
    path.write_bytes(data)
    return path


def written(folder: Path, data: bytes) -> Path:
    path = folder / "bad.elf"
    path.write_bytes(data)
    return path


FILES = {
    "missing": (lambda d: d / "nothing.elf", "No such file"),
    "directory": (lambda d: d, "Is a directory"),
    "empty": (lambda d: written(d, b""), "empty"),
    "truncated header": (lambda d: written(d, HELLO.read_bytes()[:40]), "truncated"),
    "truncated segment": (lambda d: written(d, HELLO.read_bytes()[:0x200]), "ELF"),
    "32-bit": (lambda d: patched(d, (4, b"\1")), "32-bit"),
    "big-endian": (lambda d: patched(d, (5, b"\2")), "big-endian"),
    "x86": (lambda d: patched(d, (18, b"\x3e\0")), "not for RISC-V"),
    "relocatable": (lambda d: patched(d, (16, b"\1\0")), "not an executable"),
    "entry nowhere": (lambda d: patched(d, (24, b"\0" * 8)), "e_entry"),
    "program headers far out": (lambda d: patched(d, (32, b"\xff" * 7)), "program header"),
    "magic only": (lambda d: written(d, b"\x7fELF"), "truncated"),
    "gzip": (lambda d: written(d, b"\x1f\x8b" + bytes(100)), "gzip"),
    "device": (lambda d: Path("/dev/zero"), "device"),
    "a name with a line end": (lambda d: d / "a\nb", "No such file"),
    "a name that is no text": (lambda d: d / os.fsdecode(b"\xff\xfe"), "No such file"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["run", "debug", "disasm"])
@pytest.mark.parametrize("kind", FILES)
def test_bad_images(kind, command, tmp_path, capfd, monkeypatch):
    make, words = FILES[kind]
    assert cli.main([command, str(make(tmp_path))]) == 2
    out, errors = capfd.readouterr()
    assert out == ""
    assert words in one_line(errors.encode())


def test_a_guest_that_is_not_there_says_where_the_names_are(capfd):
    assert cli.main(["run", "helo"]) == 2
    assert "minihv run --help" in one_line(capfd.readouterr().err.encode())


OPTIONS = [
    (["run", "--memory", "0"], "memory of 0 bytes"),
    (["run", "--memory", "5000"], "multiple of 4096"),
    (["run", "--memory", "-1"], "--memory"),
    (["run", "--memory", "lots"], "'lots' is not a size"),
    (["run", "--memory", "12.5M"], "is not a size"),
    (["run", "--memory", ""], "is not a size"),
    (["run", "--memory", "9999999T"], "memory of"),
    (["run", "--memory", "4K"], "more memory"),
    (["run", "--harts", "0"], "0 harts"),
    (["run", "--harts", "9"], "9 harts"),
    (["run", "--harts", "two"], "invalid int value"),
    (["run", "--boot", "u"], "invalid choice"),
    (["run", "--mode", "nested"], "invalid choice"),
    (["run", "--engine", "fast"], "invalid choice"),
    (["run", "--max-instructions", "-3"], "not a number of instructions"),
    (["run", "--max-instructions", "many"], "not a number of instructions"),
    (["run", "--trace", "x"], "not a number of instructions"),
    (["run", "--stats", "/no/such/folder/s.json"], "No such file"),
    (["run", "--stats", "/"], "Is a directory"),
    (["run", "--append", os.fsdecode(b"\xff")], "not valid UTF-8"),
    (["run", "--append", "x" * 200_000, "--memory", "128K"], "more memory"),
    (["run", "--unknown"], "unrecognized"),
    (["run", "--mem", "1G"], "unrecognized"),
    (["run", "another.elf"], "unrecognized"),
    (["debug", "--harts", "0"], "0 harts"),
    (["debug", "--stats", "x"], "unrecognized"),
    (["disasm", "--help-me"], "unrecognized"),
    (["asm", "--origin", "here"], "address"),
]


@pytest.mark.parametrize("options,words", OPTIONS)
def test_bad_options(options, words, capfd):
    try:
        status = cli.main([*options, str(HELLO)])
    except SystemExit as error:
        status = error.code
    out, errors = capfd.readouterr()
    assert (status, out) == (2, "")
    assert words in one_line(errors.encode())


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["asm"], ["disasm"], ["--wrong"],
                                       ["doctor", "x"], ["container"]])  # fmt: skip
def test_bad_usage(arguments, capfd):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    out, errors = capfd.readouterr()
    assert (ended.value.code, out) == (2, "")
    one_line(errors.encode())


def test_the_same_from_a_process():
    for arguments in (["run", "--memory", "0", HELLO], ["run", "/nothing"], ["run", "--harts"]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, b"")
        assert one_line(done.stderr).startswith("minihv")


def test_nothing_is_compiled_before_the_arguments_are_right(tmp_path):
    """With an empty cache, as in a fresh clone."""
    wrong = tmp_path / "missing" / "s.json"
    done = run("run", "--stats", wrong, HELLO, env=os.environ | {"MINIHV_CACHE": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, b"")
    assert "No such file" in one_line(done.stderr)
    assert not list(tmp_path.rglob("machine_*"))


def test_mutated_images_never_end_in_a_traceback(tmp_path, capfd):
    """Some are refused with a line, some run; the guest's own doings are no error of ours."""
    chance = random.Random(2)
    original = HELLO.read_bytes()
    refused = 0
    for _ in range(150):
        length = chance.choice([len(original), chance.randrange(1, len(original))])
        data = bytearray(original[:length])
        for _ in range(chance.randrange(1, 8)):
            place = chance.randrange(min(length, chance.choice([64, 300, 9000])))
            data[place] = chance.randrange(256)
        path = written(tmp_path, bytes(data))
        status = cli.main(["run", "--engine", "python", "--max-instructions", "300", str(path)])
        errors = capfd.readouterr().err
        if status == 2 and errors:
            refused += 1
            one_line(errors.encode())
    assert 20 < refused < 150


@pytest.mark.parametrize("text,value", [
    ("128M", 128 << 20), ("1G", 1 << 30), ("0x8000000", 0x8000000), ("4096", 4096), ("64k", 65536),
    ("2MiB", 2 << 20), ("2MB", 2 << 20), ("1t", 1 << 40), ("0", 0), ("0x10K", 16 << 10),
])  # fmt: skip
def test_sizes(text, value):
    assert size(text) == value
