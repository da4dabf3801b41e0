"""Starts containers on the real kernel and leaves nothing behind.

Runs in a single-threaded process: the command line itself, or a helper behind a Session. Every
container has a folder with a lock that its runner holds. When a runner dies, however it dies, the
kernel kills its containers (PR_SET_PDEATHSIG, and a pid namespace ends with its init), and their
mounts and network devices end with their namespaces; what is left (cgroups, the folder's state) is
swept away by whoever comes next and gets the lock. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minihv.containers import agent, cgroups, net, seccomp, steps
from minihv.containers import syscalls as sc

Spec = dict[str, Any]
# Where cgroups may not be written, a limit of the process stands in, and is labelled as such.
RLIMITS = {"memory": (resource.RLIMIT_AS, "RLIMIT_AS, of each process"),
           "pids": (resource.RLIMIT_NPROC, "RLIMIT_NPROC, of the user")}
CANNOT_RUN, NOT_FOUND, FAILED = 126, 127, 125
DEFAULT_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "TERM": os.environ.get("TERM", "dumb")}


class Running:
    """A started container: its first process, its limits, its folder and the lock on it."""

    def __init__(self, spec: Spec, folder: Path, lock: int):
        self.spec, self.folder, self.lock = spec, folder, lock
        self.pid, self.pidfd, self.veth = 0, -1, ""
        self.limits = cgroups.Limits([])

    def record(self, **facts: Any) -> None:
        """Write what the other commands need to know (atomically)."""
        path = self.folder / "state.json"
        self.spec.setdefault("record", {}).update(facts)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(self.spec))
        new.rename(path)

    def finish(self) -> int:
        """Reap the first process and remove all but the record: the exit status."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pidfd)
        self.limits.remove()
        if self.veth:
            net.detach(self.veth)
        code = os.waitstatus_to_exitcode(status)
        self.record(status="exited", exit=128 - code if code < 0 else code, pid=0)
        self.unlock()
        return 128 - code if code < 0 else code

    def unlock(self) -> None:
        """Let go of the folder; of a container for one run only, remove it."""
        if self.spec.get("remove"):
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.lock)


def claim(folder: Path) -> int | None:
    """The lock of a container's folder, or None if its runner lives."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def start(spec: Spec, stdio: tuple[int, int, int]) -> Running:
    """Make the namespaces, build the container in them and run its command."""
    folder = Path(spec["folder"])
    folder.mkdir(mode=0o755, parents=True)
    lock = claim(folder)
    assert lock is not None
    running = Running(spec, folder, lock)
    try:
        prepare(running)
        launch(running, stdio)
    except BaseException:
        spec["remove"] = True
        if running.pid:
            os.kill(running.pid, signal.SIGKILL)
            running.finish()
        else:
            running.limits.remove()
            running.unlock()
        raise
    return running


def prepare(running: Running) -> None:
    """Folders and cgroups; each is named for the container, so that a sweep can find it."""
    spec, folder = running.spec, running.folder
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(mode=0o755)
        spec[name] = str(folder / name)
    if spec["user"] and os.getuid() == 0:
        for name in ("upper", "work"):
            os.chown(folder / name, *[agent.SUBORDINATE[0]] * 2)
    spec["options"] = ",userxattr" if spec["user"] else ""
    running.record(status="created", runner=os.getpid(), created=time.time())
    limits = {k: v for k, v in spec.get("limits", {}).items() if k not in spec["without"]}
    running.limits = cgroups.Limits.make(spec["id"], **limits)
    missing = running.limits.missing
    spec["rlimits"] = {k: limits[k] for k in missing if k in RLIMITS}
    for limit, reason in list(missing.items()):
        if limit in RLIMITS and os.getuid():
            running.limits.works[limit] = f"{RLIMITS[limit][1]} ({reason})"
        else:
            raise OSError(0, f"no limit on {limit}: {reason}")


def launch(running: Running, stdio: tuple[int, int, int]) -> None:
    """Clone the first process, hand it its ids and its network, and wait until it has exec'd."""
    spec = running.spec
    go_read, go = os.pipe()
    said, say = os.pipe()
    kinds = steps.namespaces(spec["without"], spec["net"], spec["user"])
    pid, pidfd = sc.clone(kinds)
    if pid == 0:
        os.close(go)
        os.close(said)
        first_process(spec, stdio, go_read, say)
    running.pid, running.pidfd = pid, pidfd
    os.close(go_read)
    os.close(say)
    try:
        running.limits.add(pid)
        if "user" in kinds:
            agent.write_world_map(pid)
        address = ""
        if spec["net"] == "bridge":
            running.veth = "mhv" + spec["id"][:8]
            sys.path.extend(p for p in spec.get("site", ()) if p not in sys.path)
            address = net.attach(pid, running.veth, int(spec["id"][:8], 16))
        os.write(go, f"go {address}".encode())
        with open(said) as f:
            problem = f.read()
    finally:
        os.close(go)
    if problem:
        code, _, text = problem.partition(" ")
        raise OSError(int(code), text)
    running.record(status="running", pid=pid, address=address, kinds=kinds,
                   limits=running.limits.works, dirs=running.limits.dirs)


def first_process(spec: Spec, stdio: tuple[int, int, int], go: int, say: int) -> None:
    """In the new namespaces: build, give up all rights that are not needed, exec. No return."""
    code = FAILED
    try:
        message = os.read(go, 64)  # empty if the runner died meanwhile
        if message:
            for number, fd in enumerate(stdio):
                os.dup2(fd, number + 100)
            for number in range(3):
                os.dup2(number + 100, number)
            os.setsid()
            if spec["user"]:
                os.setgid(0)
                os.setuid(0)
            os.umask(0o022)
            address = message.decode().split(" ")[1]
            build_real(spec, address)
            code = CANNOT_RUN
            keep = [*spec.get("keep_fds", ())]
            close_others([*keep, say, go])
            give_up_rights(spec)
            sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
            if not select.select([go], [], [], 0)[0]:  # readable: the runner has died already
                run_command(spec)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and code == CANNOT_RUN:
            code = NOT_FOUND
        what = spec["cmd"][0] if code in (CANNOT_RUN, NOT_FOUND) else error.filename or "setup"
        os.write(say, f"{code} {what}: {error.strerror}".encode())
    except BaseException as error:
        os.write(say, f"{code} {error!r}".encode())
    finally:
        os._exit(code)


def build_real(spec: Spec, address: str) -> None:
    """The steps, made by this process itself."""
    calls = agent.Agent(-1)
    if spec["net"] != "host":
        net.link_up("lo")
    if address:
        net.configure(address)
    steps.build(calls, spec)
    os.chdir(spec.get("cwd") or "/")


def close_others(keep: list[int]) -> None:
    """Close every descriptor above 2: a leaked one would be a door to the host."""
    last = 2
    for fd in sorted({*keep}):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, 65536 if last < 65536 else last + 1)


def give_up_rights(spec: Spec) -> None:
    """Limits of the process, capabilities, no_new_privs and the seccomp filter."""
    without = spec["without"]
    for limit, value in spec.get("rlimits", {}).items():
        resource.setrlimit(RLIMITS[limit][0], (int(value), int(value)))
    signal.set_wakeup_fd(-1)
    for number in range(1, 65):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if "caps" not in without:
        kept = sc.bits_of(spec.get("caps", steps.KEPT_CAPS))
        for number in range(len(sc.CAP_NAMES)):
            if not kept >> number & 1:
                sc.prctl(sc.PR_CAPBSET_DROP, number)
        sc.set_capabilities(kept, kept)
    if "no_new_privs" not in without:
        sc.prctl(sc.PR_SET_NO_NEW_PRIVS, 1)
        if "seccomp" not in without:
            sc.seccomp(seccomp.program())


def run_command(spec: Spec) -> None:
    """exec, with the image's environment."""
    env = DEFAULT_ENV | {"HOSTNAME": spec["hostname"]} | spec.get("env", {})
    os.environ["PATH"] = env["PATH"]
    os.execvpe(spec["cmd"][0], spec["cmd"], env)


# ---- the others' containers ---------------------------------------------------------------


def sweep(home: Path) -> list[str]:
    """Tidy up after runners that died: ids of their containers."""
    swept = []
    for folder in containers(home):
        state = read_state(folder)
        if state and state["record"]["status"] == "exited":
            continue
        if not state and time.time() - folder.stat().st_mtime < 10:
            continue  # just being made
        lock = claim(folder)
        if lock is None:
            continue
        swept.append(folder.name)
        clean_after(folder, state, lock)
    return swept


def clean_after(folder: Path, state: Spec | None, lock: int) -> None:
    """The runner is dead, so its processes are too; wait for them, remove their cgroups."""
    spec = state or {"id": folder.name, "remove": True}
    running = Running(spec, folder, lock)
    running.limits = cgroups.Limits(cgroups.leftovers(spec["id"]))
    for pid in running.limits.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.limits.remove()
    if spec.get("net") == "bridge":
        net.detach("mhv" + spec["id"][:8])
    if state:
        running.record(status="exited", exit=128 + signal.SIGKILL, pid=0)
    running.unlock()


def containers(home: Path) -> list[Path]:
    """Folders of all containers, oldest first."""
    folder = home / "containers"
    return sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime) if folder.exists() else []


def read_state(folder: Path) -> Spec | None:
    """A container's record, None if it has none yet."""
    try:
        return json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        return None


def enter(state: Spec, cmd: list[str], stdio: tuple[int, int, int] = (0, 1, 2)) -> int:
    """Run a command inside a running container: the pid of a child that ends with its status."""
    child = os.fork()
    if child:
        return child
    code = FAILED
    try:
        for number, fd in enumerate(stdio):
            os.dup2(fd, number + 100)
        for number in range(3):
            os.dup2(number + 100, number)
        for place in state["record"]["dirs"]:
            cgroups.write(f"{place}/cgroup.procs", str(os.getpid()))
        sc.setns(os.pidfd_open(state["record"]["pid"]), state["record"]["kinds"])
        inner, _ = sc.clone()
        if inner:
            os._exit(exit_code(os.waitpid(inner, 0)[1]))
        if state["user"]:
            os.setgid(0)
            os.setuid(0)
        os.chdir("/")
        close_others([])
        give_up_rights(state)
        code = CANNOT_RUN
        run_command(state | {"cmd": cmd})
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else code
        os.write(2, f"minihv: {cmd[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(code)
    return 0


def exit_code(status: int) -> int:
    """Of a wait status: the code, or 128 + the signal."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


# ---- in the foreground ----------------------------------------------------------------------


def run_attached(spec: Spec, started: Callable[[Running], None] = lambda running: None) -> int:
    """Run with our own stdin; copy the output to ours and to the log; pass signals on."""
    with signals_as_bytes() as alarms:
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        running = start(spec, (0, out_write, err_write))
        os.close(out_write)
        os.close(err_write)
        started(running)
        with open(running.folder / "log", "ab") as log:
            pump({out: 1, err: 2}, alarms, running.pidfd, log.fileno())
        os.close(out)
        os.close(err)
        return running.finish()


def pump(pipes: dict[int, int], alarms: int, pidfd: int, log: int) -> None:
    """Until the container ends, and its last output is out."""
    ended = False
    while True:
        ready = select.select([*pipes, alarms, *([] if ended else [pidfd])], [], [],
                              0 if ended else None)[0]
        if ended and not set(ready) & set(pipes):
            return
        for fd in ready:
            if fd == pidfd:
                ended = True
            elif fd == alarms:
                for number in os.read(alarms, 64):
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(pidfd, number)
            elif data := os.read(fd, 65536):
                write_all(pipes[fd], data)
                write_all(log, data)
            else:
                del pipes[fd]


def write_all(fd: int, data: bytes) -> None:
    """Write all; a reader that went away does not matter."""
    with contextlib.suppress(BrokenPipeError):
        while data:
            data = data[os.write(fd, data):]


@contextlib.contextmanager
def signals_as_bytes() -> Iterator[int]:
    """A descriptor that gives the number of each signal we get, instead of dying of it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    forwarded = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
                 signal.SIGUSR2)
    old = {s: signal.signal(s, lambda *_: None) for s in forwarded}
    wakeup = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in old.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
