"""Namespaces first, then the mounts, then what is open."""


def works(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        return False
    return True


def find_leak(box, host):
    mine, theirs = box.view(), host.view()
    for kind in ("net", "pid"):
        if mine["ns"][kind] == theirs["ns"][kind]:
            return kind
    roots = sum("decoy" in box.listdir(row[2]) for row in mine["mounts"] if row[3] == "tmpfs")
    if roots:
        return "old root"
    if set(box.listdir("/proc")) - set(map(str, mine["processes"])):
        return "proc"
    if "MKNOD" in mine["caps"]:
        return "mknod"
    if len(mine["processes"]) > 1:
        return "reaper"
    if works(box.fchdir, 0):
        return "descriptor"
    if any(row[5] != "/" or row[7] for row in mine["mounts"]):
        return "propagation"
    if len(theirs["mounts"]) < len(host.view()["mounts"]):
        return "propagation"
    box.mkdir("/q")
    box.chroot("/q")
    for _ in range(6):
        box.chdir("..")
    box.chroot(".")
    return "chroot" if works(box.read, "/decoy/secret") else "none"
