"""Attack surface, counted: what code of the other side can a guest or a container reach at all?

Every number comes from a trial on the thing itself: the container's own filter program is run for
each system call, each register of a board is read and written, each CSR is read by a guest.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable

from minihv.asm.assembler import assemble
from minihv.containers.linux import seccomp
from minihv.devices import sbi
from minihv.devices.virt import Machine
from minihv.hw.bus import AccessFault, Device
from minihv.hw.registers import NUMBER
from minihv.vmm.vm import VM

# Numbers that Linux 6.12 gives to system calls of x86-64 (syscall_64.tbl), without those that have
# no code behind them any more, and without the x32 ones.
UNUSED = {134, 156, 174, 177, 178, *range(180, 186), 205, 211, 212, 214, 215, 236}
SYSTEM_CALLS = [n for n in (*range(335), *range(424, 463)) if n not in UNUSED]
X86_64 = seccomp.ARCH["x86_64"]


def run_filter(program: bytes, number: int, arch: int = X86_64, args: tuple[int, ...] = ()) -> int:
    """Return what a seccomp filter (an array of struct sock_filter) says to one system call.

    Classic BPF as far as our filters use it (seccomp(2), struct seccomp_data): load a word of the
    data, jump on ==, >= or &, return.
    """
    data = struct.pack("<iIQ6Q", number, arch, 0, *(tuple(args) + (0,) * 6)[:6])
    code = list(struct.iter_unpack("HBBI", program))
    accumulator = at = 0
    while True:
        operation, if_true, if_false, k = code[at]
        at += 1
        if operation == seccomp.LOAD:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif operation == seccomp.RET:
            return k
        else:
            taken = {seccomp.JEQ: accumulator == k, seccomp.JGE: accumulator >= k,
                     seccomp.JSET: accumulator & k != 0}[operation]  # fmt: skip
            at += if_true if taken else if_false


def system_calls(program: bytes | None = None) -> list[int]:
    """Return the system calls (x86-64 numbers) that a process can reach, past a filter if there
    is one; for clone, as a plain fork asks for it."""
    if program is None:
        return list(SYSTEM_CALLS)
    return [n for n in SYSTEM_CALLS if run_filter(program, n) == seccomp.ALLOW]


def hypercalls() -> list[tuple[int, int]]:
    """Return (extension, function) of each SBI call a guest's kernel may make; legacy ones have
    function 0."""
    return [*sbi._FUNCTIONS, *((eid, 0) for eid in sbi._LEGACY)]


def registers(machine: Machine) -> Counter[str]:
    """Count by device the registers of the board that a guest's access can change or learn from.

    Tried one by one on `machine`, which is of no use afterwards: all ones and 0x5555 are written;
    what counts is a value that is not 0, a changed device, a word on the console, or the end. Small
    devices are tried by bytes, larger ones by words; beyond 64 KiB the first 16 words of a page.
    """
    names = {device: name for name, device in machine.devices.items()}
    found: Counter[str] = Counter()
    for base, end, device in reversed(machine.bus.devices):  # the PLIC before those that pull at it
        width = 1 if end - base <= 256 else 4
        for offset in range(0, end - base, width):
            if offset >= 1 << 16 and offset & 4095 >= 64:
                continue
            found[names[device]] += _reacts(machine, device, offset, width)
    return found


def _reacts(machine: Machine, device: Device, offset: int, width: int) -> bool:
    def state() -> tuple:
        return device.save(), machine.ended, len(machine.console.output)

    try:
        before = state()
        seen = device.read(offset, width)
        for value in (-1, 0x5555):
            device.write(offset, width, value & (1 << 8 * width) - 1)
            seen |= device.read(offset, width)
        return bool(seen or state() != before)
    except AccessFault:
        return False


def emulated_csrs(new_vm: Callable[[bytes], VM]) -> list[str]:
    """Return the CSRs whose reading by the guest's kernel runs code of the hypervisor.

    new_vm makes a VM (of the kind in question) that starts the given image in S-mode.
    """
    return [name for name, number in NUMBER.items()
            if number >> 8 & 3 <= 1 and _exits_for(new_vm, name)]  # fmt: skip


def _exits_for(new_vm: Callable[[bytes], VM], name: str) -> bool:
    vm = new_vm(assemble(f"csrr a0, {name}\nli a7, 8\necall").elf())
    vm.run(10)
    return vm.exits["csr"] > 0 and vm.ended is not None
