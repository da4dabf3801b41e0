"""The first process of a container: it builds it, starts the command, and remains as its init.

What it does before the start, it does with the caller's rights; then it gives up all that the
container is not to have. A command that joins a running container goes the same last steps.
The kernel forgets the death signal of a process that changes its user, as `su` does; so there is a
parent of the container's own processes, which does not, and which nobody inside may look into.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from minihv.containers import steps, words
from minihv.containers.linux import cgroups, net, seccomp
from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.agent import Agent
from minihv.containers.linux.runtime import identity
from minihv.containers.linux.wire import receive

Spec = dict[str, Any]  # see spec.make_spec
# If cgroups may not be written, a limit of the process takes their place, and is labelled so.
RLIMITS = {"memory": (resource.RLIMIT_AS, "RLIMIT_AS, of each process"),
           "pids": (resource.RLIMIT_NPROC, "RLIMIT_NPROC, of the user")}
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
             signal.SIGUSR2)
PARENT_DIED = signal.SIGRTMIN
WATCHED = {*FORWARDED, signal.SIGCHLD, PARENT_DIED}
TIOCSCTTY = 0x540E
CANNOT_RUN, NOT_FOUND, FAILED = 126, 127, 125  # exit statuses
STARTED = b"+"
DEFAULT_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "TERM": os.environ.get("TERM", "dumb")}
FILTER = seccomp.program()


def first_process(sock: socket.socket, like: Spec) -> None:
    """In the new namespaces: prepare for a container `like` this; when told which it is to be,
    build it, give up all rights that are not needed, start the command. No return."""
    code, cmd = FAILED, ""
    try:
        problem = prepare_real(sock, like)
        message, fds = receive(sock)
        if message:  # empty if the runner died meanwhile
            if problem:
                raise problem
            spec = json.loads(message)
            cmd = spec["cmd"][0]
            stdio, trees = fds[:3], fds[3:]
            take_stdio(stdio)
            cut_ties(sock.fileno(), *trees)
            build_real(spec, trees)
            give_up_rights(spec)
            sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
            if select.select([sock], [], [], 0)[0]:  # readable: the runner has died already
                os._exit(FAILED)
            if child := os.fork():
                sock.close()
                supervise(child)
            code = CANNOT_RUN
            sock.send(STARTED)  # the kernel tells the runner who sent it
            run_command(spec)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and code == CANNOT_RUN:
            code = NOT_FOUND
        what = cmd if code != FAILED else str(error.filename or "setup")
        said = repr(what)[1:-1][:80] or "an empty name"
        sock.send(f"{code} {said}: {error.strerror}".encode())
    except BaseException as error:
        sock.send(f"{code} {error!r}".encode())
    finally:
        os._exit(code)


def rename_process(name: bytes) -> None:
    """Replace the arguments that `ps` shows, which tell paths of the host (proc_pid_stat(5))."""
    fields = cgroups.read("/proc/self/stat").rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    if end - begin > len(name) + 1:  # a last byte that is not 0 says that they were replaced
        ctypes.memmove(begin, name.ljust(end - begin - 1, b"\0") + b"x", end - begin)
    sc.libc.prctl(sc.PR_SET_NAME, name)


def supervise(child: int) -> NoReturn:
    """As the parent of a command: reap all that die, pass signals on, end as the command does."""
    os.closerange(0, 3)
    while True:
        number = signal.sigwait(WATCHED)
        with contextlib.suppress(OSError):
            if number == PARENT_DIED:
                os.killpg(child, signal.SIGKILL)
            elif number != signal.SIGCHLD:
                os.kill(child, number)
            while number == signal.SIGCHLD and (dead := os.waitpid(-1, os.WNOHANG))[0]:
                if dead[0] == child:
                    os._exit(exit_code(dead[1]))


def take_stdio(fds: tuple[int, ...] | list[int]) -> None:
    """Make these descriptors 0, 1 and 2."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in fds]
    for number, fd in enumerate(high):
        os.dup2(fd, number)


def prepare_real(sock: socket.socket, like: Spec) -> OSError | None:
    """Make the steps for which no image is needed; return what went wrong, if anything."""
    if not sock.recv(16):
        os._exit(FAILED)
    try:
        if like["user"]:
            os.setgid(0)
            os.setuid(0)
        os.umask(0o022)
        if like["net"] != "host":
            net.link_up("lo")
        steps.prepare(Agent(-1), like["scratch"], like["without"])
        drop_bounding(like)
    except OSError as error:
        return error
    return None


def drop_bounding(spec: Spec) -> None:
    """Capabilities that no exec may bring back."""
    kept = sc.bits_of(words.CAPS if "caps" in spec["without"] else steps.KEPT_CAPS)
    for number in range(len(words.CAPS)):
        if not kept >> number & 1:
            sc.prctl(sc.PR_CAPBSET_DROP, number)


class Builder(Agent):
    """An agent that follows no link of an image: it would lead out of it, onto the host."""

    def __init__(self, root: str, trees: list[int] | None = None):
        super().__init__(-1)
        self.root, self.trees = root, trees or []

    def within(self, path: str) -> None:
        """OSError if a path below the image's root has a link in it."""
        inner = path.removeprefix(self.root)
        if inner != path and os.path.realpath(path) != os.path.realpath(self.root) + inner:
            raise OSError(errno.ELOOP, "the image has a link in place of this folder", inner)

    def mkdir(self, path: str) -> None:
        """mkdir(2) inside the image."""
        self.within(path)
        super().mkdir(path)

    def mount(self, source: str | None, target: str, *how: str) -> None:
        """mount(2) inside the image."""
        self.within(target)
        sc.mount(source, target, *how)

    def attach(self, source: str, target: str) -> None:
        """Mount a tree of the host inside: one that the runner has opened, else our own look."""
        self.within(target)
        os.makedirs(target, exist_ok=True)
        tree = self.trees.pop(0) if self.trees else sc.read_only_tree(source)
        sc.move_mount(tree, target)
        os.close(tree)


def build_real(spec: Spec, trees: list[int]) -> None:
    """The steps, made by this process itself; `trees`: descriptors of those in the spec, if the
    runner had to open them."""
    if "address" in spec:
        net.configure(spec["address"])
    steps.build(Builder(spec.get("root", f"{spec['scratch']}/root"), trees), spec)
    cwd = spec.get("cwd") or "/"
    with contextlib.suppress(FileExistsError):  # chdir says what is wrong with a file
        os.makedirs(cwd, exist_ok=True)
    os.chdir(cwd)


def cut_ties(*keep: int) -> None:
    """Before anything of an image can look or be looked at: leave the host's descriptors, names and
    modules. One imported later would be the image's, from the same place."""
    close_others(*keep)
    rename_process(b"minihv-init")
    sys.meta_path.clear()


def close_others(*keep: int) -> None:
    """Close every descriptor above 2: a leaked one would be a door to the host. Before the image
    has a say: its working folder may be /proc/self/fd/5, which the caller's shell had open."""
    signal.set_wakeup_fd(-1)  # it is one of them
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, *keep):
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(int(name))


def give_up_rights(spec: Spec) -> None:
    """Limits of the process, capabilities, no_new_privs and the seccomp filter."""
    without = spec["without"]
    for limit, value in spec.get("rlimits", {}).items():
        resource.setrlimit(RLIMITS[limit][0], (int(value), int(value)))
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)  # until the command runs
    for number in (*FORWARDED, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGWINCH):
        signal.signal(number, signal.SIG_DFL)
    sc.prctl(sc.PR_SET_DUMPABLE, 0)  # until an exec, no one inside may look at this process
    if "caps" not in without:
        kept = sc.bits_of(steps.KEPT_CAPS)
        sc.set_capabilities(kept, kept)
    if "no_new_privs" not in without:
        sc.prctl(sc.PR_SET_NO_NEW_PRIVS, 1)
        if "seccomp" not in without:
            sc.seccomp(FILTER)


def run_command(spec: Spec) -> NoReturn:
    """exec, as the image's user, with its environment, in a session of its own."""
    if ids := identity.lookup(spec.get("as", "")):
        identity.become(*ids)  # which clears the death signal
    os.setsid()
    if os.isatty(0):
        fcntl.ioctl(0, TIOCSCTTY, 0)
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    env = DEFAULT_ENV | {"HOSTNAME": spec["hostname"]} | spec.get("env", {})
    os.environ["PATH"] = env["PATH"]
    if not spec["cmd"][0]:
        raise FileNotFoundError(2, os.strerror(2))
    os.execvpe(spec["cmd"][0], spec["cmd"], env)


def enter(state: Spec, cmd: list[str], stdio: tuple[int, int, int]) -> int:
    """Run a command inside a running container; return the pid of a child that ends as it does,
    passes signals on to it, and ends it if we die."""
    us, record = os.getpid(), state["record"]
    if child := os.fork():
        return child
    code = FAILED
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        take_stdio(stdio)
        cut_ties()
        for place in record["dirs"]:
            cgroups.write(f"{place}/cgroup.procs", str(os.getpid()))
        command = os.pidfd_open(record["pid"])  # only root may look into the init
        if start_time(record["init"]) != record["begun"]:
            raise ProcessLookupError(3, "the container has ended")
        sc.setns(command, record["kinds"])
        os.close(command)
        sc.prctl(sc.PR_SET_DUMPABLE, 0)
        sc.prctl(sc.PR_SET_PDEATHSIG, PARENT_DIED)
        if os.getppid() != us:
            os._exit(FAILED)
        inner, _ = sc.clone()
        if inner:
            supervise(inner)
        if state["user"]:
            os.setgid(0)
            os.setuid(0)
        os.chdir("/")
        drop_bounding(state)
        give_up_rights(state)
        code = CANNOT_RUN
        run_command(state | {"cmd": cmd})
    except OSError as error:
        what = repr(cmd[0])[1:-1][:80] or "an empty name" if code == CANNOT_RUN else "exec"
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else code
        os.write(2, f"minihv: {what}: {error.strerror}\n".encode())
    finally:
        os._exit(code)


def start_time(pid: int) -> int:
    """Return when a process started, in ticks since boot, which tells it from a later one of the
    same number; 0 if there is none (proc_pid_stat(5), field 22)."""
    text = cgroups.read(f"/proc/{pid}/stat")
    return int(text.rpartition(")")[2].split()[19]) if text else 0


def exit_code(status: int) -> int:
    """Return the code of a wait status, or 128 + the signal."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code
