"""The guests on QEMU's virt board, where it is installed: the judge that nobody here wrote."""

import shutil
import subprocess

import pytest

from minihv import guests
from tests.guests import console, elf

QEMU = shutil.which("qemu-system-riscv64")
pytestmark = pytest.mark.skipif(
    QEMU is None, reason="qemu-system-riscv64 is not installed (package qemu-system-misc)"
)
SECONDS = 120       # far more than any guest takes: only a hang reaches it


def run(image, *options) -> tuple[int, str]:
    """Exit status and console of a guest on QEMU."""
    command = [QEMU, "-machine", "virt", "-m", "128M", "-nographic", "-kernel", str(image)]
    done = subprocess.run([*command, *options], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=SECONDS)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("name", console.M_MODE)
def test_guest_that_owns_the_machine(name):
    status, output = run(guests.path(name), "-bios", "none")
    assert console.mismatch(console.expected(name), output) is None
    assert status == 0


@pytest.mark.parametrize("name", console.S_MODE)
def test_guest_over_firmware(name):
    status, output = run(guests.path(name), "-append", console.BOOTARGS)
    if not output:
        pytest.skip("QEMU found no OpenSBI firmware (package opensbi)")
    greeting = output[output.find("Hello from"):]       # after the firmware's own banner
    assert console.mismatch(console.expected(name), greeting) is None
    assert status == 0


def test_other_harts_stay_out_of_the_way():
    status, output = run(guests.path("hello"), "-bios", "none", "-smp", "4")
    assert console.mismatch(console.expected("hello"), output) is None
    assert status == 0


def test_a_broken_guest_is_reported(tmp_path):
    status, output = run(elf.broken_paging(tmp_path), "-bios", "none")
    assert status == 1
    assert "  FAIL  a fetch gets a page of code" in output
    assert "checks FAILED" in output


def test_a_machine_too_small_for_the_guest_is_reported():
    """paging needs RAM at 0x80400000; the access fault there is one that it does not expect."""
    status, output = run(guests.path("paging"), "-bios", "none", "-m", "4M")
    assert status == 99
    assert "unexpected trap: mcause 0x7" in output
