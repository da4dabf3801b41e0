"""`minihv asm` and `minihv disasm`: files in, files and listings out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from minihv import cli, guests
from tests.cli.command import one_line, run, start
from tests.devices.programs import EXIT

SOURCE = "_start: li a0, 42\n c.nop\n" + EXIT


def test_assemble_run_and_list(tmp_path, capfd):
    source = tmp_path / "answer.S"
    source.write_text(SOURCE)
    assert cli.main(["asm", str(source), "-o", str(tmp_path / "a.elf")]) == 0
    assert cli.main(["run", "--engine", "python", str(tmp_path / "a.elf")]) == 42
    assert cli.main(["asm", str(source)]) == 0  # beside the source
    assert (tmp_path / "answer.elf").read_bytes() == (tmp_path / "a.elf").read_bytes()
    capfd.readouterr()
    assert cli.main(["disasm", str(tmp_path / "a.elf")]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1:4] == ["0000000080000000 <_start>:",
                          "        80000000:  02a00513  li a0, 42",
                          "        80000004:  0001      nop"]  # fmt: skip
    assert "0000000080000006 <exit>:" in lines


def test_origin_and_compression(tmp_path, capfd):
    source = tmp_path / "a.S"
    source.write_text(SOURCE)
    cli.main(["asm", str(source), "--origin", "0x80200000", "--compress"])
    cli.main(["disasm", str(tmp_path / "a.elf")])
    out = capfd.readouterr().out
    assert "80200000:  02a00513" in out
    cli.main(["run", "--engine", "python", "--boot", "m", str(tmp_path / "a.elf")])


@pytest.mark.parametrize(
    "text,place,words",
    [
        (b"nop\n  addi a0, a1\n", ":2:3: ", "addi"),
        (b"nop\n nop\n lw a0, 5000(a1)\n", ":3:9: ", "5000"),
        (b"j nowhere\n", ":1:3: ", "nowhere"),
        (b"\xff\xfe", ": ", "not UTF-8"),
    ],
)
def test_mistakes_have_a_line_and_a_column(text, place, words, tmp_path, capfd):
    source = tmp_path / "a.S"
    source.write_bytes(text)
    assert cli.main(["asm", str(source)]) == 2
    message = one_line(capfd.readouterr().err.encode())
    assert message.startswith(f"minihv: {source}{place}") and words in message
    assert not (tmp_path / "a.elf").exists()


def test_output_that_cannot_be_written(tmp_path, capfd):
    source = tmp_path / "a.S"
    source.write_text(SOURCE)
    assert cli.main(["asm", str(source), "-o", str(tmp_path / "no" / "a.elf")]) == 2
    assert "No such file" in one_line(capfd.readouterr().err.encode())


def test_a_source_is_not_overwritten(tmp_path, capfd):
    source = tmp_path / "a.S"
    source.write_text("nop\n")
    assert cli.main(["asm", str(source), "-o", str(source)]) == 2
    assert "is the source" in one_line(capfd.readouterr().err.encode())
    assert source.read_text() == "nop\n"


def test_every_guest_can_be_listed(capfd):
    for name in guests.names():
        assert cli.main(["disasm", str(guests.path(name))]) == 0
        out = capfd.readouterr().out
        assert "<_start>:" in out and ".word" not in out.partition("<_start>")[2][:3000]
        assert "<$" not in out  # marks of code and data are no names


def test_only_code_is_listed(capfd):
    elffile = pytest.importorskip("elftools.elf.elffile")
    with guests.path("labos").open("rb") as file:
        places = [(s["sh_addr"], s["sh_addr"] + s["sh_size"])
                  for s in elffile.ELFFile(file).iter_sections() if s["sh_flags"] & 4]
    cli.main(["disasm", str(guests.path("labos"))])
    rows = [row for row in capfd.readouterr().out.splitlines() if ":  " in row]
    assert len(rows) > 1000
    for row in rows:
        pc = int(row.split(":")[0], 16)
        assert any(first <= pc < end for first, end in places), row


def test_an_elf_without_sections_and_a_flat_file(tmp_path, capfd):
    data = bytearray(guests.path("hello").read_bytes())
    data[40:48] = bytes(8)  # e_shoff
    data[60:64] = bytes(4)  # e_shnum, e_shstrndx
    (tmp_path / "bare.elf").write_bytes(data)
    (tmp_path / "flat").write_bytes(bytes.fromhex("13000000") * 2)
    assert cli.main(["disasm", str(tmp_path / "bare.elf")]) == 0
    assert "80000000:  e909      bnez a0" in capfd.readouterr().out
    assert cli.main(["disasm", str(tmp_path / "flat")]) == 0
    assert capfd.readouterr().out.splitlines()[0] == "        80200000:  00000013  nop"


def test_a_reader_that_goes_away_is_no_error():
    with start("disasm", guests.path("labos")) as process:
        os.read(process.stdout.fileno(), 10)
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


def test_help_and_version():
    for arguments in (["--help"], ["run", "--help"], ["doctor", "--help"], ["bench", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0 and b"usage: minihv" in done.stdout
    out = run("--help").stdout.decode()
    for command in ("run", "asm", "disasm", "debug", "bench", "doctor", "container"):
        assert f"\n    {command}" in out


# --- importing ------------------------------------------------------------------------------------

HEAVY = ("numba", "numpy", "llvmlite", "elftools", "threading", "subprocess", "asyncio")


def imported(code: str) -> set[str]:
    """Which heavy modules `code` brings in, in a Python of its own."""
    code += f"\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True,
                          env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=True)  # fmt: skip
    return set(done.stdout.split())


def test_importing_minihv_brings_nothing_in():
    assert imported("import minihv") == set()
    assert imported("import minihv.cli") & {"numba", "numpy", "llvmlite", "elftools"} == set()


def test_what_minihv_exports_comes_when_it_is_used():
    assert "numpy" in imported("import minihv; minihv.Machine")
    everything = "from minihv import Machine, Timeline, assemble, disassemble, guest"
    assert not {"numba", "llvmlite"} & imported(everything)
    assert not {"numba", "numpy"} & imported("from minihv import disassemble; disassemble(19)")


def test_a_name_that_does_not_exist():
    import minihv

    with pytest.raises(AttributeError, match="no attribute 'machine'"):
        minihv.machine  # noqa: B018
    assert {"Machine", "guest"} <= set(dir(minihv))
    assert minihv.guest("hello") == guests.path("hello")
