"""With a directory for the old root, as in the manual's example."""


def build_root(sys, layers):
    sys.mount("none", "/", "", "rec private")
    sys.mount("mine", "/box", "tmpfs")
    for name in ("new", "up", "wk"):
        sys.mkdir("/box/" + name)
    sys.mount("overlay", "/box/new", "overlay", "", "lowerdir=" + ":".join(layers[::-1])
              + ",upperdir=/box/up,workdir=/box/wk")
    sys.mkdir("/box/new/.old")
    sys.pivot_root("/box/new", "/box/new/.old")
    sys.chdir("/")
    sys.mount("proc", "/proc", "proc")
    sys.umount("/.old", "lazy")
