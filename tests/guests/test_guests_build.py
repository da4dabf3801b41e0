"""The committed images: what their sources give, and laid out as a machine expects."""

import shutil

import pytest

from minihv import guests
from minihv.errors import ImageError
from minihv.guests import build
from tests.guests import console, elf

NAMES = sorted(build.RECIPES)


def needs_compiler():
    if reason := build.why_not():
        pytest.skip(f"guests are not rebuilt here: {reason}")


@pytest.mark.parametrize("name", NAMES)
def test_image_is_what_its_sources_give(name):
    needs_compiler()
    assert build.build(name) == guests.path(name).read_bytes(), (
        f"bin/{name}.elf is not what its sources give: python -m minihv.guests.build {name}"
    )


def test_check_reports_an_image_that_differs(tmp_path, monkeypatch, capsys):
    needs_compiler()
    image = bytearray(guests.path("hello").read_bytes())
    image[-1] ^= 1
    (tmp_path / "hello.elf").write_bytes(image)
    monkeypatch.setattr(build, "BIN", tmp_path)
    assert build.main(["--check", "hello"]) == 1
    assert "DIFFERS" in capsys.readouterr().out
    assert build.main(["hello"]) == 0
    assert build.main(["--check", "hello"]) == 0


def test_images_do_not_depend_on_where_they_are_built(tmp_path, monkeypatch):
    needs_compiler()
    shutil.copytree(guests.SRC, tmp_path / "elsewhere")
    monkeypatch.setattr(build, "SRC", tmp_path / "elsewhere")
    assert build.build("hello-s") == guests.path("hello-s").read_bytes()


def test_an_error_in_a_source_names_it(tmp_path, monkeypatch):
    needs_compiler()
    shutil.copytree(guests.SRC, tmp_path / "src")
    (tmp_path / "src" / "hello.c").write_text("int main(void) { return missing; }\n")
    monkeypatch.setattr(build, "SRC", tmp_path / "src")
    with pytest.raises(build.BuildError, match="hello.c"):
        build.build("hello")


def test_unknown_names_and_compilers_give_one_clear_error(monkeypatch):
    with pytest.raises(build.BuildError, match="no guest named 'helo'; there are hello"):
        build.build("helo")
    with pytest.raises(ImageError, match="no guest named 'helo'"):
        guests.path("helo")
    monkeypatch.setattr(build, "compiler_version", lambda: None)
    with pytest.raises(build.BuildError, match="pip install ziglang=="):
        build.build("hello")
    monkeypatch.setattr(build, "compiler_version", lambda: "0.1")
    assert "ziglang is 0.1, not" in str(build.why_not())


def test_every_guest_is_built_and_has_an_expected_console():
    assert set(NAMES) <= set(guests.names())
    assert set(NAMES) == {*console.M_MODE, *console.S_MODE}
    assert {p.stem for p in console.EXPECTED.glob("*.txt")} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_layout(name):
    image = elf.load(guests.path(name))
    base = 0x80200000 if name in console.S_MODE else 0x80000000
    header = image.header
    assert (header["e_machine"], header["e_entry"]) == ("EM_RISCV", base)
    assert header["e_flags"] == 1, "compressed code, soft-float ABI"
    segments = elf.loaded(image)
    assert min(s["p_paddr"] for s in segments) == base
    assert all(s["p_paddr"] == s["p_vaddr"] for s in segments)
    assert not any(s["p_flags"] & elf.PF_X and s["p_flags"] & elf.PF_W for s in segments)
    pages = [{a >> 12 for a in range(s["p_vaddr"], s["p_vaddr"] + s["p_memsz"], 4096)}
             | {s["p_vaddr"] + s["p_memsz"] - 1 >> 12} for s in segments]
    assert sum(map(len, pages)) == len(set.union(*pages)), "two segments share a page"


@pytest.mark.parametrize("name", NAMES)
def test_symbols_stay_and_nothing_of_the_host_does(name):
    image = elf.load(guests.path(name))
    assert {"_start", "main", "finish", "stack_top"} <= set(elf.symbols(image))
    sections = {s.name for s in image.iter_sections()}
    assert not {s for s in sections if s.startswith((".debug", ".comment", ".note"))}
    data = guests.path(name).read_bytes()
    for trace in (b"/home", b"/tmp", b"/usr", b"/root", b"site-packages", b"clang", b".o\0"):
        assert trace not in data, f"{name}.elf contains {trace!r}"
    assert len(data) < 20_000


@pytest.mark.parametrize("name", NAMES)
def test_code_is_integer_code(name):
    """Only instructions of RV64IMAC: Capstone without its float extensions reads all of it."""
    capstone = pytest.importorskip("capstone")
    reader = capstone.Cs(capstone.CS_ARCH_RISCV,
                         capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC)
    image = elf.load(guests.path(name))
    for section in image.iter_sections():
        if section["sh_flags"] & 4:     # executable
            read = list(reader.disasm(section.data(), section["sh_addr"]))
            assert sum(i.size for i in read) == section["sh_size"]
            floats = [i.mnemonic for i in read
                      if i.mnemonic.startswith(("f", "c.f")) and "fence" not in i.mnemonic]
            assert not floats
