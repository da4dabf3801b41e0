"""The words that the model and the real kernel share, and the kernel's numbers for them.

Standard library only: the helper processes import it.
"""

# Kinds of namespaces: their CLONE_NEW* bits (clone(2)).
KINDS = {"mnt": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000,
         "cgroup": 0x2000000, "net": 0x40000000, "time": 0x80, "user": 0x10000000}
# Capabilities, each at the place of its number (capabilities(7)).
CAPS = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
# Who root inside is outside, if root made a user namespace: 65,536 ids that nobody uses.
SUBORDINATE = 100000, 65536
# The harmless devices: their major and minor numbers.
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}
