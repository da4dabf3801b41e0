"""A seccomp filter in raw BPF: which system calls a container may not reach at all.

Everything that loads code into the kernel, moves mounts and namespaces about, sets clocks or looks
into other processes answers EPERM, and so does typing on a terminal for its user; an unknown
architecture kills. Rules: seccomp(2).
"""

from __future__ import annotations

import errno
import os
import struct

# name: (x86_64, aarch64 and riscv64); None if the architecture lacks it
DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "syslog": (103, 116), "personality": (135, 92), "ustat": (136, None),
    "pivot_root": (155, 41), "_sysctl": (156, None), "adjtimex": (159, 171), "acct": (163, 89),
    "settimeofday": (164, 170), "mount": (165, 40), "umount2": (166, 39), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "iopl": (172, None), "ioperm": (173, None),
    "init_module": (175, 105), "delete_module": (176, 106), "quotactl": (179, 60),
    "lookup_dcookie": (212, 18), "clock_settime": (227, 112), "mbind": (237, 235),
    "set_mempolicy": (238, 237), "kexec_load": (246, 104), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "migrate_pages": (256, 238),
    "unshare": (272, 97), "move_pages": (279, 239), "perf_event_open": (298, 241),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "clock_adjtime": (305, 266),
    "setns": (308, 268), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "finit_module": (313, 273), "kexec_file_load": (320, 294),
    "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442),
}
CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
CLONE3 = 435
IOCTL = {"x86_64": 16, "aarch64": 29, "riscv64": 29}
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # type on a terminal; paste on a console (ioctl_tty(2))
CLONE_NEW_ANY = 0x7E020080  # all CLONE_NEW* bits
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
X32 = 0x40000000
LOAD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000


def program(machine: str = "", allow: tuple[str, ...] = ()) -> bytes:
    """Return the filter as an array of struct sock_filter."""
    machine = machine or os.uname().machine
    column = 0 if machine == "x86_64" else 1
    numbers = [n[column] for name, n in DENIED.items() if name not in allow]
    denied = [n for n in numbers if n is not None]
    code = [(LOAD, 0, 0, 4), (JEQ, 1, 0, ARCH[machine]), (RET, 0, 0, KILL), (LOAD, 0, 0, 0)]
    if machine == "x86_64":
        code += [(JGE, 0, 1, X32), (RET, 0, 0, ERRNO | errno.EPERM)]
    for number in denied:
        code += [(JEQ, 0, 1, number), (RET, 0, 0, ERRNO | errno.EPERM)]
    code += [(JEQ, 0, 1, CLONE3), (RET, 0, 0, ERRNO | errno.ENOSYS)]  # its flags are out of sight
    code += [(JEQ, 0, 5, IOCTL[machine]), (LOAD, 0, 0, 24), (JEQ, 1, 0, TIOCSTI),
             (JEQ, 0, 1, TIOCLINUX), (RET, 0, 0, ERRNO | errno.EPERM), (RET, 0, 0, ALLOW)]
    code += [(JEQ, 0, 3, CLONE[machine]), (LOAD, 0, 0, 16), (JSET, 0, 1, CLONE_NEW_ANY & ~0xFF),
             (RET, 0, 0, ERRNO | errno.EPERM), (RET, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)
