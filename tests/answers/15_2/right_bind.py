"""A copy of the merged tree's mount, with a device folder of its own."""


def build_root(sys, layers):
    sys.mount(None, "/", "", "rec private")
    sys.mount("a", "/box", "tmpfs")
    for name in ("upper", "work", "merged", "root"):
        sys.mkdir(f"/box/{name}")
    lower = layers[0]
    for layer in layers[1:]:
        lower = layer + ":" + lower
    sys.mount("overlay", "/box/merged", "overlay", "",
              f"lowerdir={lower},upperdir=/box/upper,workdir=/box/work")
    sys.mount("/box/merged", "/box/root", "", "bind")
    sys.mkdir("/box/root/dev")
    sys.mount("dev", "/box/root/dev", "tmpfs")
    sys.chdir("/box/root")
    sys.pivot_root(".", ".")
    sys.umount(".", "lazy")
    sys.chdir("/")
    sys.mount("proc", "proc", "proc")
