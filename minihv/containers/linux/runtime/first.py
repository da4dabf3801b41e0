"""The first process of a container, from its birth in new namespaces to its exec.

What it does before the exec, it does with the caller's rights; then it gives up all that the
container is not to have. A command that joins a running container goes the same last steps.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import socket
from typing import Any

from minihv.containers import steps, words
from minihv.containers.linux import cgroups, net, seccomp
from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.agent import Agent
from minihv.containers.linux.runtime import identity

Spec = dict[str, Any]  # see spec.make_spec
# If cgroups may not be written, a limit of the process takes their place, and is labelled so.
RLIMITS = {"memory": (resource.RLIMIT_AS, "RLIMIT_AS, of each process"),
           "pids": (resource.RLIMIT_NPROC, "RLIMIT_NPROC, of the user")}
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
             signal.SIGUSR2)
CANNOT_RUN, NOT_FOUND, FAILED = 126, 127, 125  # exit statuses
DEFAULT_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "TERM": os.environ.get("TERM", "dumb")}
FILTER = seccomp.program()


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


def build_real(spec: Spec) -> None:
    """The steps, made by this process itself."""
    if "address" in spec:
        net.configure(spec["address"])
    steps.build(Agent(-1), spec)
    cwd = spec.get("cwd") or "/"
    with contextlib.suppress(FileExistsError):  # chdir says what is wrong with a file
        os.makedirs(cwd, exist_ok=True)
    os.chdir(cwd)


def close_others(keep: list[int]) -> None:
    """Close every descriptor above 2: a leaked one would be a door to the host."""
    last = 2
    for fd in sorted({*keep}):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, 65536 if last < 65536 else last + 1)


def give_up_rights(spec: Spec) -> None:
    """Limits of the process, capabilities, no_new_privs, the seccomp filter, the image's user."""
    without, ids = spec["without"], identity.lookup(spec.get("as", ""))
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
    if ids:
        identity.become(*ids)


def run_command(spec: Spec) -> None:
    """exec, with the image's environment."""
    env = DEFAULT_ENV | {"HOSTNAME": spec["hostname"]} | spec.get("env", {})
    os.environ["PATH"] = env["PATH"]
    os.execvpe(spec["cmd"][0], spec["cmd"], env)


def enter(state: Spec, cmd: list[str], stdio: tuple[int, int, int] = (0, 1, 2)) -> int:
    """Run a command inside a running container; return the pid of a child that ends as it does."""
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
    """Return the code of a wait status, or 128 + the signal."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code
