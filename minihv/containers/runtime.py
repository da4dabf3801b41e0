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
import socket
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
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
             signal.SIGUSR2)
CANNOT_RUN, NOT_FOUND, FAILED = 126, 127, 125
DEFAULT_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "TERM": os.environ.get("TERM", "dumb")}


FILTER = seccomp.program()


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
        if self.lock < 0:
            return
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
        if self.lock >= 0:
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


def start(spec: Spec, stdio: tuple[int, int, int], seed: Seed | None = None) -> Running:
    """Make the namespaces (or take a seed's), build the container in them, run its command."""
    folder = Path(spec["folder"])
    running = Running(spec, folder, -1)
    if not spec["remove"] or spec["limits"] or spec["net"] == "bridge":
        folder.mkdir(mode=0o755, parents=True)
        running.lock = claim(folder) or -1
    try:
        prepare(running)
        launch(running, stdio, seed)
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
    Path(spec["scratch"]).mkdir(mode=0o755, parents=True, exist_ok=True)
    if not spec["remove"]:  # what it writes is to stay
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(mode=0o755)
            spec[name] = str(folder / name)
            if spec["user"] and os.getuid() == 0:
                os.chown(folder / name, *[agent.SUBORDINATE[0]] * 2)
    # volatile: no sync of the whole host file system when a container ends
    spec["options"] = ",volatile,userxattr" if spec["user"] else ",volatile"
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


class Seed:
    """A process in new namespaces that waits to be told which container it is to become. One may
    be kept ready, so that a start does not have to wait for the kernel to make them."""

    def __init__(self, spec: Spec):
        self.kinds = kinds = kinds_of(spec)
        self.key = key_of(spec)
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid, self.pidfd = sc.clone(kinds)
        if self.pid == 0:
            self.sock.close()
            first_process(theirs, spec)
        theirs.close()
        if "user" in kinds:
            agent.write_world_map(self.pid)
        self.sock.send(b"mapped")

    def discard(self) -> None:
        """It is not needed: it ends when its socket closes."""
        self.sock.close()
        os.waitpid(self.pid, 0)
        os.close(self.pidfd)


def kinds_of(spec: Spec) -> list[str]:
    """The namespaces that a container needs."""
    return steps.namespaces(spec["without"], spec["net"], spec["user"])


def key_of(spec: Spec) -> list[Any]:
    """What a container must share with a seed to grow from it."""
    return [kinds_of(spec), spec["without"], spec["scratch"], spec["user"], spec["net"]]


def launch(running: Running, stdio: tuple[int, int, int], seed: Seed | None) -> None:
    """Put the first process under its limits, tell it what to become, wait until it has exec'd."""
    spec = running.spec
    seed = seed or Seed(spec)
    running.pid, running.pidfd = seed.pid, seed.pidfd
    running.limits.add(seed.pid)
    if spec["net"] == "bridge":
        running.veth = "mhv" + spec["id"][:8]
        sys.path.extend(p for p in spec["site"] if p not in sys.path)
        spec["address"] = net.attach(seed.pid, running.veth, int(spec["id"][:8], 16))
    with seed.sock as sock:
        socket.send_fds(sock, [json.dumps(spec).encode()], list(stdio))
        problem = sock.recv(4096).decode()  # closed by exec: all went well
    if problem:
        code, _, text = problem.partition(" ")
        raise OSError(int(code), text)
    running.record(status="running", pid=seed.pid, kinds=seed.kinds, dirs=running.limits.dirs,
                   limits=running.limits.works)


def first_process(sock: socket.socket, like: Spec) -> None:
    """In the new namespaces: prepare for a container `like` this; when told which it is to be,
    build it, give up all rights that are not needed, exec. No return."""
    code, cmd = FAILED, ""
    try:
        problem = prepare_real(sock, like)
        message, fds, _, _ = socket.recv_fds(sock, 1 << 16, 3)
        if message:  # empty if the runner died meanwhile
            if problem:
                raise problem
            spec = json.loads(message)
            cmd = spec["cmd"][0]
            take_stdio(fds)
            os.setsid()
            build_real(spec)
            close_others([*spec.get("keep_fds", ()), sock.fileno()])
            give_up_rights(spec)
            sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
            code = CANNOT_RUN
            if not select.select([sock], [], [], 0)[0]:  # readable: the runner has died already
                run_command(spec)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and code == CANNOT_RUN:
            code = NOT_FOUND
        what = cmd if code != FAILED else error.filename or "setup"
        sock.send(f"{code} {what}: {error.strerror}".encode())
    except BaseException as error:
        sock.send(f"{code} {error!r}".encode())
    finally:
        os._exit(code)


def take_stdio(fds: tuple[int, ...] | list[int]) -> None:
    """Make these descriptors 0, 1 and 2."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in fds]
    for number, fd in enumerate(high):
        os.dup2(fd, number)


def prepare_real(sock: socket.socket, like: Spec) -> OSError | None:
    """The steps that can be made before the image is known; what went wrong, if anything."""
    if not sock.recv(16):
        os._exit(FAILED)
    try:
        if like["user"]:
            os.setgid(0)
            os.setuid(0)
        os.umask(0o022)
        if like["net"] != "host":
            net.link_up("lo")
        steps.prepare(agent.Agent(-1), like["scratch"], like["without"])
        drop_bounding(like)
    except OSError as error:
        return error
    return None


def drop_bounding(spec: Spec) -> None:
    """Capabilities that no exec may bring back."""
    kept = sc.bits_of(steps.CAP_NAMES if "caps" in spec["without"] else steps.KEPT_CAPS)
    for number in range(len(steps.CAP_NAMES)):
        if not kept >> number & 1:
            sc.prctl(sc.PR_CAPBSET_DROP, number)


def build_real(spec: Spec) -> None:
    """The steps, made by this process itself."""
    if "address" in spec:
        net.configure(spec["address"])
    steps.build(agent.Agent(-1), spec)
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
    for number in (*FORWARDED, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if "caps" not in without:
        kept = sc.bits_of(steps.KEPT_CAPS)
        sc.set_capabilities(kept, kept)
    if "no_new_privs" not in without:
        sc.prctl(sc.PR_SET_NO_NEW_PRIVS, 1)
        if "seccomp" not in without:
            sc.seccomp(FILTER)


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
        if state and state["record"]["status"] == "exited" and not state["remove"]:
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
        take_stdio(stdio)
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
        drop_bounding(state)
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
    with signals_as_bytes() as alarms, contextlib.ExitStack() as stack:
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        running = start(spec, (0, out_write, err_write))
        os.close(out_write)
        os.close(err_write)
        started(running)
        path = os.devnull if spec["remove"] else running.folder / "log"
        log = stack.enter_context(open(path, "ab"))
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
    old = {s: signal.signal(s, lambda *_: None) for s in FORWARDED}
    wakeup = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in old.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
