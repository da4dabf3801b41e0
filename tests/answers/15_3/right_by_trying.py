"""Tries everything, and compares only what cannot be tried."""

import contextlib


def fails(call, *arguments):
    with contextlib.suppress(OSError):
        call(*arguments)
        return False
    return True


def find_leak(box, host):
    with contextlib.suppress(OSError):
        box.wait()
        return "reaper"
    if not fails(box.mknod, "/disk"):
        return "mknod"
    if box.view()["pid"] != 1:
        return "pid"
    if fails(box.bind, 22):
        return "net"
    if len(box.listdir("/proc")) > 1:
        return "proc"
    if not fails(box.fchdir, 0):
        return "descriptor"
    for row in box.view()["mounts"]:
        if not fails(box.read, row[2].rstrip("/") + "/decoy/secret"):
            return "old root"
    box.chdir("/")
    box.mkdir("/x")
    box.mount("t", "/tmp", "tmpfs")
    if any(row[2].endswith("tmp") for row in host.view()["mounts"]):
        return "propagation"
    box.chroot("x")
    for _ in range(8):
        box.chdir("..")
    return "none" if fails(box.read, "decoy/secret") else "chroot"
