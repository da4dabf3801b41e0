"""Experiments on what separates containers, for the model and the real kernel alike.

Each takes a kernel (model.Kernel or linux.Kernel, with the folders of DIRS) and gives a plain
result, which must be the same on both. Probes try to get out. They are harmless by construction:
they aim only at decoys made here (a process, a folder, a file), at the null device's numbers, and
open but never write a kernel setting; on the real kernel they run in a throw-away world with hard
limits. Each is stopped by one defence, and works when that one is left out.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, NamedTuple

from minihv.containers import model, open_kernel, steps
from minihv.errors import MinihvError

DIRS = ("box", "decoy", "shared")
MIB = 1 << 20


def outcome(call: Callable[[], Any]) -> str:
    """`ok`, or the name of the errno."""
    try:
        call()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "died")
    return "ok"


# ---- what a namespace is for -------------------------------------------------------------------


def first_process(kernel: Any) -> dict[str, Any]:
    """A container's first process is number 1 there, and sees only its own; the host sees all."""
    box = kernel.init.clone("pid", "mnt")
    before = len(box.listdir("/proc"))
    box.mount("proc", "/proc", "proc")
    return {"pid": box.view()["pid"], "in the old /proc": before,
            "in its own /proc": len(box.listdir("/proc")),
            "numbers, outermost first": box.view()["pids"]}


def hostname(kernel: Any) -> dict[str, str]:
    """A name of its own."""
    box = kernel.init.clone("uts")
    box.sethostname("box")
    return {"host": kernel.init.view()["hostname"], "box": box.view()["hostname"]}


def propagation(kernel: Any) -> dict[str, dict[str, bool]]:
    """Mounts made on either side: who sees them, by the type of the container's mounts."""
    result = {}
    kernel.init.mount("s", "/shared", "tmpfs", "", "mode=755")
    kernel.init.mount(None, "/shared", "", "shared")
    for kind in ("shared", "slave", "private"):
        box = kernel.init.clone("mnt")
        box.mount(None, "/shared", "", kind)
        kernel.init.mkdir(f"/shared/{kind}-host")
        kernel.init.mkdir(f"/shared/{kind}-box")
        kernel.init.mount("h", f"/shared/{kind}-host", "tmpfs")
        box.mount("b", f"/shared/{kind}-box", "tmpfs")
        seen = {p: [row[2] for row in p.view()["mounts"]] for p in (kernel.init, box)}
        result[kind] = {"the host's in the box": f"/shared/{kind}-host" in seen[box],
                        "the box's on the host": f"/shared/{kind}-box" in seen[kernel.init]}
        box.exit()
    return result


def one_port(kernel: Any) -> dict[str, str]:
    """Two services want port 8080: together, and each in a network namespace."""
    kernel.init.clone().bind(8080)
    return {"same network": outcome(lambda: kernel.init.clone().bind(8080)),
            "its own network": outcome(lambda: kernel.init.clone("net").bind(8080))}


def root_is_nobody(kernel: Any) -> dict[str, Any]:
    """uid 0 inside is an ordinary user outside, and has no power there."""
    box = kernel.init.clone("user", "uts")
    kernel.init.map_ids(box, (0, 1000, 1))
    box.setuid(0)
    number = box.view()["pids"][0]
    return {"inside": box.view()["uid"], "outside": kernel.init.uid_of(number),
            "its own hostname": outcome(lambda: box.sethostname("mine")),
            "the host's network": outcome(lambda: box.link_add("br9")),
            "the host's files": outcome(lambda: box.mkdir("/decoy/x"))}


def orphans(kernel: Any, reaps: bool) -> dict[str, Any]:
    """Children whose parent dies go to pid 1. One that never waits for them fills its cgroup
    with the dead: 8 processes are allowed, and 9 pass through."""
    init = kernel.init.clone("pid")
    kernel.limit(init, pids=8)
    for number in range(9):
        try:
            parent = init.clone()
            parent.clone().exit()
            parent.exit()
        except OSError as error:
            return {"passed through": number, "then": errno.errorcode[error.errno or 0]}
        while reaps and outcome(init.wait) == "ok":
            pass
    return {"passed through": 9, "then": "ok"}


# ---- limits ------------------------------------------------------------------------------------


def memory_hog(kernel: Any) -> dict[str, str]:
    """A process takes more than its cgroup allows; its neighbour does not notice."""
    hog, neighbour = kernel.init.clone(), kernel.init.clone()
    kernel.limit(hog, memory=32 * MIB)
    kernel.limit(neighbour, memory=64 * MIB)
    for _ in range(8):
        if outcome(lambda: hog.allocate(8 * MIB)) == "died":
            break
    neighbour.allocate(16 * MIB)
    return {name: "running" if process.state == "running" else "killed"
            for name, process in (("hog", hog), ("neighbour", neighbour))}


def fork_bomb(kernel: Any, limit: int = 8) -> dict[str, Any]:
    """Fork until it fails (20 times at most): the limit counts the process itself."""
    bomb = kernel.init.clone()
    kernel.limit(bomb, pids=limit)
    said = [outcome(lambda: bomb.clone()) for _ in range(20)]
    return {"children": said.count("ok"), "then": said[-1]}


def cpu_share(kernel: Any, seconds: float = 1.0) -> dict[str, float]:
    """Two busy loops on one CPU: CPU seconds by weights 4:1, and of one with a quota of 0.25."""
    heavy, light, capped = (kernel.init.clone() for _ in range(3))
    kernel.limit(heavy, shares=2048)
    kernel.limit(light, shares=512)
    kernel.limit(capped, cpus=0.25)
    by_weight = kernel.burn([heavy, light], seconds)
    return {"weight 2048": by_weight[0], "weight 512": by_weight[1],
            "quota 0.25": kernel.burn([capped], seconds)[0]}


def beside_hogs(kernel: Any, hogs: int, grouped: bool, seconds: float = 0.3) -> float:
    """The share of one CPU that a service keeps beside busy processes, of their total. Grouped:
    the service is one cgroup, all the hogs are another of the same weight."""
    service, first = kernel.init.clone(), kernel.init.clone()
    if grouped:
        kernel.limit(service, shares=1024)
        kernel.limit(first, shares=1024)
    crowd = [service, first, *(first.clone() for _ in range(hogs - 1))] if hogs else [service]
    got = kernel.burn(crowd, seconds)
    return got[0] / sum(got)


# ---- isolation probes: True if the probe got through -------------------------------------------


def box_with_root(kernel: Any, *kinds: str, pivot: bool) -> Any:
    """A process in mount namespace (and `kinds`) of its own, with /box as its root."""
    box = kernel.init.clone("mnt", *kinds)
    box.mount(None, "/", "", "rec private")
    box.mount("box", "/box", "tmpfs", "", "mode=755")
    steps.enter_root(box, "/box", pivot)
    return box


def leave_chroot(kernel: Any, defended: bool) -> bool:
    """chroot once more, deeper: the working directory is then outside the root, and `..` leads
    up. Defence: pivot_root, after which there is nothing above."""
    kernel.init.write("/decoy/secret", "found")
    box = box_with_root(kernel, pivot=defended)
    box.mkdir("/deeper")
    box.chroot("/deeper")
    for _ in range(4):
        box.chdir("..")
    box.chroot(".")
    return outcome(lambda: box.read("/decoy/secret")) == "ok"


def open_setting(kernel: Any, defended: bool) -> bool:
    """Open a kernel setting for writing (nothing is written). Defence: /proc/sys is read-only."""
    box = kernel.init.clone("mnt", "pid")
    steps.mount_proc(box, "", masks=defended)
    return outcome(lambda: box.open_for_writing("/proc/sys/vm/swappiness")) == "ok"


def make_device(kernel: Any, defended: bool) -> bool:
    """Make a device node (a null device). Defence: no CAP_MKNOD."""
    box = kernel.init.clone("mnt")
    box.mount("t", "/box", "tmpfs", "", "mode=755")
    if defended:
        box.drop("MKNOD")
    return outcome(lambda: box.mknod("/box/null")) == "ok"


def signal_outside(kernel: Any, defended: bool) -> bool:
    """Kill a process outside by its number. Defence: a pid namespace, in which it has none."""
    decoy = kernel.init.clone()
    box = kernel.init.clone(*(["pid"] if defended else []))
    outcome(lambda: box.kill(decoy.view()["pid"], 9))
    return decoy.wait_dead(0.2)


def trace_outside(kernel: Any, defended: bool) -> bool:
    """Attach to a process outside as a debugger. Defence: a user namespace of one's own."""
    decoy = kernel.init.clone()
    box = kernel.init.clone(*(["user"] if defended else []))
    number = decoy.view()["pid"]
    return outcome(lambda: box.trace(number)) == "ok"


def leaked_directory(kernel: Any, defended: bool) -> bool:
    """Use a directory that was left open across pivot_root. Defence: close all descriptors."""
    kernel.init.write("/decoy/secret", "found")
    handle = kernel.init.opendir("/decoy")
    box = box_with_root(kernel, pivot=True)
    kernel.init.close_handles()
    if defended:
        box.close_handles()
    outcome(lambda: box.fchdir(handle))
    return outcome(lambda: box.read("secret")) == "ok"


def bind_from_outside(kernel: Any, defended: bool) -> bool:
    """Bind a folder of the host into the container, through a directory that was left open.
    Defence: a mount namespace of its own: mounts of another one cannot be bound."""
    kernel.init.write("/decoy/secret", "found")
    handle = kernel.init.opendir("/decoy")
    box = kernel.init.clone(*(["mnt"] if defended else []))
    kernel.init.close_handles()
    box.chroot("/box")
    box.fchdir(handle)
    outcome(lambda: box.mount(".", "/", "", "bind"))
    outcome(lambda: box.chroot("/.."))
    reached = outcome(lambda: box.read("/secret")) == "ok"
    if not defended:
        kernel.init.umount("/box", "lazy")
    return reached


PROBES = (leave_chroot, open_setting, make_device, signal_outside, trace_outside,
          leaked_directory, bind_from_outside)
NEED_ROOT = (root_is_nobody, orphans, memory_hog, fork_bomb, cpu_share, beside_hogs, open_setting,
             make_device)


def layers_work(kernel: Any) -> None:
    """A trial for open_kernel: OSError if a world may not do what a container needs."""
    box = kernel.init.clone("uts", "pid", "mnt", "ipc", "net", "cgroup", "time")
    box.mount("scratch", "/box", "tmpfs", "", "mode=755")
    for name in ("lower", "upper", "work", "root"):
        box.mkdir(f"/box/{name}")
    steps.mount_root(box, "/box/root", ["/box/lower"], "/box/upper", "/box/work", ",userxattr")
    steps.enter_root(box, "/box/root")
    kernel.init.clone("user")


class Ran(NamedTuple):
    """What an experiment gave, and on which kernel."""
    result: Any
    backend: str


def run(experiment: Callable[..., Any], *args: Any) -> Ran:
    """Run an experiment in a world of its own: on the real kernel if this host grants this user
    what it needs, else on the model."""
    world = open_kernel(user=False if experiment in NEED_ROOT else None, dirs=DIRS)
    try:
        return Ran(experiment(world, *args), world.backend)
    except MinihvError as error:  # a limit that the host does not grant
        world = model.Kernel(dirs=DIRS, why=str(error).partition(";")[0])
        return Ran(experiment(world, *args), world.backend)
    finally:
        world.close()
