"""Slave mounts, and /proc by a move."""


def build_root(sys, layers):
    sys.mount(None, "/", "", "rec slave")
    sys.mount("scratch", "/box", "tmpfs")
    for name in ("upper", "work", "root", "proc"):
        sys.mkdir(f"/box/{name}")
    sys.mount("proc", "/box/proc", "proc")
    options = f"upperdir=/box/upper,workdir=/box/work,lowerdir={':'.join(reversed(layers))}"
    sys.mount("overlay", "/box/root", "overlay", "", options)
    sys.mount("/box/proc", "/box/root/proc", "", "move")
    sys.chdir("/box/root")
    sys.pivot_root(".", ".")
    sys.umount(".", "lazy")
    sys.chdir("/")
    sys.sethostname("container")
