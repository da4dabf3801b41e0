"""A table of tests, in order."""


def quiet(call):
    try:
        return call()
    except OSError:
        return None


def escape(box):
    box.mkdir("/down")
    box.chroot("/down")
    for _ in range(5):
        box.chdir("..")
    return box.read("decoy/secret")


def spreads(box, host):
    before = host.view()["mounts"]
    box.mount("mark", "/tmp", "tmpfs")
    return host.view()["mounts"] != before


TESTS = (
    ("net", lambda box, host: box.view()["ns"]["net"] == host.view()["ns"]["net"]),
    ("pid", lambda box, host: box.view()["ns"]["pid"] == host.view()["ns"]["pid"]),
    ("proc", lambda box, host: [n for n in box.listdir("/proc") if int(n) not in
                                box.view()["processes"]]),
    ("reaper", lambda box, host: box.wait()),
    ("mknod", lambda box, host: "MKNOD" in box.view()["caps"]),
    ("propagation", spreads),
    ("old root", lambda box, host: any(row[2] not in ("/", "/proc", "/tmp")
                                       for row in box.view()["mounts"])),
    ("descriptor", lambda box, host: box.fchdir(0) is None),
    ("chroot", lambda box, host: escape(box)),
)


def find_leak(box, host):
    for name, test in TESTS:
        if quiet(lambda test=test: test(box, host)):
            return name
    return "none"
