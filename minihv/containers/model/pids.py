"""Pid namespaces, and the calls on life and death: kill, exit, wait, trace.

Rules: pid_namespaces(7), ptrace(2).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Any

from minihv.containers.model.refusal import fail
from minihv.containers.model.task import Namespace, Task
from minihv.containers.model.users import UserNamespace

SIGKILL = 9


@dataclass(eq=False)
class PidNamespace(Namespace):
    """Process numbers. A process has one in its namespace and one in each above. When the init
    (the first process) dies, all others are killed and no new one can start."""

    parent: PidNamespace | None = None
    last: int = 0
    dead: bool = False
    processes: dict[int, Any] = field(default_factory=dict)
    init: Any = None
    kind = "pid"

    def fresh(self, user_ns: UserNamespace) -> PidNamespace:
        """Return a new one below this one."""
        if not user_ns.within(self.user_ns):
            raise fail(errno.EINVAL, "the pid namespace above belongs to an unrelated user")
        return PidNamespace(user_ns, self)

    def install(self, process: Any) -> None:
        """Let the future children of a process in."""
        if process.ns["pid"] not in self.chain():
            raise fail(errno.EINVAL, "only one's own pid namespace or one below it")
        process.child_ns["pid"] = self

    def born(self, process: Any) -> None:
        """Give a process its numbers."""
        process.pids = {}
        for ns in self.chain():
            ns.last += 1
            process.pids[ns] = ns.last
        if self.dead:
            raise fail(errno.ENOMEM, "the init of this pid namespace is dead")
        for ns, pid in process.pids.items():
            ns.processes[pid] = process
        self.init = self.init or process

    def chain(self) -> list[PidNamespace]:
        """Return all from the outermost to this one."""
        return [*(self.parent.chain() if self.parent else []), self]


class Life(Task):
    """How processes end, and who is told."""

    @property
    def pid(self) -> int:
        """The process's number in its own pid namespace."""
        return self.pids[self.ns["pid"]] if "pid" in self.ns else 0

    def getppid(self) -> int:
        """Return the parent's number as seen here; 0 if the parent is outside."""
        return self.parent.pids.get(self.ns["pid"], 0) if self.parent else 0

    def kill(self, pid: int, signal: int) -> None:
        """kill(2) with 0, SIGTERM or SIGKILL, to a number of the caller's pid namespace."""
        target = self.ns["pid"].processes.get(pid)
        if target is None:
            raise fail(errno.ESRCH, "no such process in this pid namespace")
        if self.kuid != target.kuid:
            self.need(target.ns["user"], "KILL")
        target_ns = list(target.pids)[-1]
        if target_ns.init is target:  # an init takes only SIGKILL, and only from outside
            if signal != SIGKILL or self.ns["pid"] is target_ns or target_ns.parent is None:
                return
        if signal and target.state == "running":
            target._die(signal)

    def exit(self, code: int = 0) -> None:
        """_exit(2)."""
        self._die(code << 8)

    def _die(self, status: int) -> None:
        """Become a zombie; an init takes its whole pid namespace along (pid_namespaces(7))."""
        if self.state != "running":
            return
        pid_ns, old = self.ns["pid"], self.ns["mnt"]
        self.state, self.status = "exiting", status
        self.ns = {"user": self.ns["user"]}
        self.sockets, self.handles, self.held = [], [], 0
        old.left(self.kernel.processes())
        reaper = pid_ns.init
        if reaper is self:
            pid_ns.dead = True
            for other in list(pid_ns.processes.values()):
                other._die(SIGKILL)
        for child in self.children:
            child.parent = reaper
            if reaper is not self:
                reaper.children.append(child)
            elif child.state == "zombie":
                child._release()
        if reaper is not self or len(pid_ns.processes) == 1:
            self._finish()

    def _finish(self) -> None:
        """Tell the parent; a dying init does not wait for anyone: its children just vanish."""
        self.state = "zombie"
        if self.parent is None or self.parent.state != "running":
            self._release()

    def _release(self) -> None:
        """Reaped: the numbers are free again; an init that waited for this can finish."""
        self.state = "dead"
        if self.parent and self in self.parent.children:
            self.parent.children.remove(self)
        for ns, pid in self.pids.items():
            ns.processes.pop(pid, None)
            init = ns.init
            if init and init is not self and init.state == "exiting":
                if list(ns.processes.values()) == [init]:
                    init._finish()

    def trace(self, pid: int) -> None:
        """ptrace(2) attach, let go at once."""
        target = self.ns["pid"].processes.get(pid)
        if target is None:
            raise fail(errno.ESRCH, "no such process in this pid namespace")
        if not self.may_access(target):
            raise fail(errno.EPERM, "not the same user, or it has more capabilities")

    def wait(self) -> tuple[int, int] | None:
        """waitpid(-1, WNOHANG): reap a zombie child: (pid, status), or None if there is none."""
        if not self.children:
            raise fail(errno.ECHILD, "no children")
        for child in self.children:
            if child.state == "zombie":
                child._release()
                return child.pids[self.ns["pid"]], child.status
        return None

    def wait_dead(self, seconds: float = 0) -> bool:
        """Has the process ended? (Here nothing takes time.)"""
        return self.state != "running"
