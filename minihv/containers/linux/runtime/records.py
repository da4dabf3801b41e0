"""The folder of each container: its record, and the lock that its runner holds.

When a runner dies, however it dies, the kernel kills its containers (PR_SET_PDEATHSIG, and a pid
namespace ends with its init), and their mounts and network devices end with their namespaces. What
is left (cgroups, the folder's state, a process after all) is swept away by whoever comes next and
gets the lock. Nothing is called exited of which a process lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any

from minihv.containers.linux import cgroups, net
from minihv.containers.linux.runtime.first import Spec, exit_code, start_time


class Running:
    """A started container: its first process, its limits, its folder and the lock on it."""

    def __init__(self, spec: Spec, folder: Path, lock: int):
        self.spec, self.folder, self.lock = spec, folder, lock
        self.pid, self.pidfd, self.veth = 0, -1, ""  # the init
        self.command = 0  # the command's pid, outside
        self.limits = cgroups.Limits([])

    def record(self, **facts: Any) -> None:
        """Write what the other commands need to know (atomically)."""
        path = self.folder / "state.json"
        self.spec.setdefault("record", {}).update(facts)
        if self.lock < 0:
            return
        new = path.with_suffix(".new")
        new.write_text(json.dumps(self.spec))
        new.rename(path)

    def finish(self) -> int:
        """Reap the first process and remove all but the record; return the exit status."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pidfd)
        self.limits.kill()
        self.limits.remove()
        if self.veth:
            net.detach(self.veth)
        code = exit_code(status)
        if not self.spec["remove"]:
            self.record(status="exited", exit=code, pid=0)
        self.unlock()
        return code

    def unlock(self) -> None:
        """Let go of the folder; of a container for one run only, remove it."""
        if self.lock >= 0:
            if self.spec.get("remove"):
                delete(self.folder)
            os.close(self.lock)


def delete(folder: Path) -> None:
    """Remove a container's folder, also directories in it that their owner may not list. Each is
    moved up first: there may be more of them, one in another, than a path or a recursion takes."""
    todo = [str(folder)]
    while todo:
        place, found = todo[-1], len(todo)
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700)
            for entry in list(os.scandir(place)):
                if entry.is_dir(follow_symlinks=False):
                    new = f"{folder}/{os.urandom(8).hex()}"
                    os.chmod(entry.path, 0o700)
                    os.rename(entry.path, new)
                    todo.append(new)
                else:
                    os.unlink(entry.path)
            if len(todo) > found:
                continue
            os.rmdir(place)
        todo.pop()


def claim(folder: Path) -> int | None:
    """Return the lock of a container's folder, or None if its runner lives."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def sweep(home: Path) -> list[str]:
    """Tidy up after runners that died; return the ids of their containers."""
    swept = []
    for folder in containers(home):
        with contextlib.suppress(FileNotFoundError):  # its runner has just removed it
            state = read_state(folder)
            if state and state["record"]["status"] == "exited" and not state["remove"]:
                continue
            if not state and time.time() - folder.stat().st_mtime < 10:
                continue  # just being made
            lock = claim(folder)
            if lock is not None:
                swept.append(folder.name)
                clean_after(folder, state, lock)
    return swept


def clean_after(folder: Path, state: Spec | None, lock: int) -> None:
    """The runner is dead: end what is left of the container, remove its cgroups."""
    spec = state or {"id": folder.name, "remove": True}
    running = Running(spec, folder, lock)
    running.limits = cgroups.Limits(sorted({*cgroups.leftovers(spec["id"]),
                                            *spec.get("record", {}).get("dirs", ())}))
    ended = kill(spec)
    running.limits.kill()
    if not running.limits.remove() or not ended:
        os.close(lock)  # whoever comes next tries again
        return
    if spec.get("net") == "bridge":
        net.detach("mhv" + spec["id"][:8])
    if state:
        running.record(status="exited", exit=128 + signal.SIGKILL, pid=0)
    running.unlock()


def kill(spec: Spec, seconds: float = 5) -> bool:
    """End a container's init, and so all of its processes; return if they are gone by then."""
    record = spec.get("record", {})
    try:
        pidfd = os.pidfd_open(record["init"])
    except (KeyError, ProcessLookupError):
        return True
    try:
        if start_time(record["init"]) == record["begun"]:  # not another process by now
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            return bool(select.select([pidfd], [], [], seconds)[0])
        return True
    except ProcessLookupError:
        return True
    finally:
        os.close(pidfd)


def containers(home: Path) -> list[Path]:
    """Return the folders of all containers, oldest first."""
    def made(folder: Path) -> float:
        try:
            return folder.stat().st_mtime
        except FileNotFoundError:  # one that has just been removed
            return 0

    return sorted(filter(Path.is_dir, (home / "containers").glob("*")), key=made)


def read_state(folder: Path) -> Spec | None:
    """Return a container's record, None if it has none yet, or a damaged one."""
    try:
        state = json.loads((folder / "state.json").read_text())
        return state if state["record"]["status"] else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
