"""Limits by control groups: v1 or v2, whichever of the host's trees accepts a limit.

Nothing is assumed of a version or controller: a group is made below the caller's own (so the
caller's limits still hold), a limit is written and read back, and if that fails the limit is
reported as not available. Rules: cgroups(7), Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

FILES = {  # limit -> (file in v1, file in v2)
    "pids": ("pids.max", "pids.max"),
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "cpus": ("cpu.cfs_quota_us", "cpu.max"),
    "shares": ("cpu.shares", "cpu.weight"),
}
CONTROLLER = {"pids": "pids", "memory": "memory", "cpus": "cpu", "shares": "cpu"}
PERIOD = 100_000


def own_group(controller: str) -> tuple[str, bool] | None:
    """Return the directory of this process's group for a controller, and if the tree is v2."""
    found = None
    mounts = [line.split(" - ") for line in open("/proc/self/mountinfo") if " - cgroup" in line]
    for line in open("/proc/self/cgroup"):
        _, names, path = line.rstrip("\n").split(":", 2)
        if names and controller not in names.split(","):
            continue
        for left, right in mounts:
            root, point = left.split()[3:5]
            fstype, _, options = right.split()[:3]
            v2 = fstype == "cgroup2" and not names
            v1 = fstype == "cgroup" and names != "" and controller in options.split(",")
            if v1 or (v2 and found is None):
                inner = path if root == "/" else os.path.relpath(path, root)
                place = os.path.normpath(f"{point}/{inner}")
                if v1 or controller in read(f"{place}/cgroup.controllers").split():
                    found = (place, v2)
    return found


def read(path: str) -> str:
    """Return a file's text, empty if it cannot be read."""
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return ""


def write(path: str, text: str) -> bool:
    """Write without creating; False if refused."""
    try:
        fd = os.open(path, os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(fd, text.encode())
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def value_of(limit: str, value: float, v2: bool) -> str:
    """Return what to write for a limit: processes, bytes, CPUs (1.0 = one core) or weight."""
    if limit == "cpus":
        quota = str(int(value * PERIOD))
        return f"{quota} {PERIOD}" if v2 else quota
    if limit == "shares" and v2:  # v1 shares of 1024 are a v2 weight of 100
        return str(max(1, min(10000, int(value * 100 / 1024))))
    return str(int(value))


def leftovers(name: str) -> list[str]:
    """Return the directories that Limits.make(name) may have made."""
    places = [own_group(controller) for controller in set(CONTROLLER.values())]
    found = {f"{place[0]}/minihv-{name}" for place in places if place}
    return sorted(p for p in found if os.path.isdir(p))


def sweep() -> None:
    """Remove the empty groups of worlds and probes whose maker (its pid is in the name) is dead."""
    for found in filter(None, map(own_group, set(CONTROLLER.values()))):
        for name in os.listdir(found[0]):
            what, _, maker = name.removeprefix("minihv-").partition("-")
            if what in ("world", "probe") and not os.path.exists(f"/proc/{maker.split('-')[0]}"):
                with contextlib.suppress(OSError):
                    os.rmdir(f"{found[0]}/{name}")


class Limits:
    """Groups of one container, one directory for each tree in use. `works`: limits in force;
    `missing`: limit -> why not."""

    def __init__(self, dirs: list[str]):
        self.dirs = dirs
        self.works: dict[str, str] = {}
        self.missing: dict[str, str] = {}

    @classmethod
    def make(cls, name: str, always: bool = False, /, **limits: float) -> Limits:
        """Make the groups and set the limits that the host grants; `always` one group at least."""
        self = cls([])
        if always and (own := own_group("pids")):
            with contextlib.suppress(OSError):
                os.mkdir(f"{own[0]}/minihv-{name}")
                self.dirs.append(f"{own[0]}/minihv-{name}")
        for limit, value in limits.items():
            reason = self._set(name, limit, value)
            if reason:
                self.missing[limit] = reason
        return self

    def _set(self, name: str, limit: str, value: float) -> str:
        own = own_group(CONTROLLER[limit])
        if own is None:
            return f"no {CONTROLLER[limit]} controller in a mounted cgroup tree"
        place, v2 = own
        target = f"{place}/minihv-{name}"
        if v2:
            write(f"{place}/cgroup.subtree_control", f"+{CONTROLLER[limit]}")
        if target not in self.dirs:
            try:
                os.mkdir(target)
            except OSError as error:
                return f"cannot make a cgroup: {error.strerror}"
            self.dirs.append(target)
        path = f"{target}/{FILES[limit][v2]}"
        text = value_of(limit, value, v2)
        if not write(path, text) or read(path).split()[:1] != text.split()[:1]:
            return f"{FILES[limit][v2]} does not take {text}"
        if limit == "memory":
            for extra in ("memory.swap.max", "memory.memsw.limit_in_bytes"):
                write(f"{target}/{extra}", "0" if v2 else text)
        self.works[limit] = path
        return ""

    def add(self, pid: int) -> None:
        """Move a process in; its later children are born inside."""
        for place in self.dirs:
            if not write(f"{place}/cgroup.procs", str(pid)):
                self.missing["all"] = f"cannot move a process into {place}"

    def pids(self) -> set[int]:
        """Return the processes in any of the groups."""
        return {int(n) for place in self.dirs for n in read(f"{place}/cgroup.procs").split()} - {0}

    def kill(self) -> None:
        """End whatever is in the groups, again until no more is born."""
        for _ in range(200):
            found: dict[int, int] = {}
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    found[pid] = os.pidfd_open(pid)
            inside = self.pids()  # once more: by now another process may have got a number
            for pid, fd in found.items():
                with contextlib.suppress(ProcessLookupError):
                    if pid in inside:
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                os.close(fd)
            if not found:
                break
            time.sleep(0.005)

    def memory_used(self) -> int:
        """Return the bytes charged to the group now."""
        for place in self.dirs:
            text = read(f"{place}/memory.current") or read(f"{place}/memory.usage_in_bytes")
            if text:
                return int(text)
        return 0

    def remove(self) -> bool:
        """Remove the groups; return if all are gone: dying processes keep one busy for a moment."""
        busy = []
        for place in self.dirs:
            for _ in range(200):
                try:
                    os.rmdir(place)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.005)
            else:
                busy.append(place)
        self.dirs = busy
        return not busy
