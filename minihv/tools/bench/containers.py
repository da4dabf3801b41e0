"""Containers against the same namespaces from util-linux, in one paired run (`minihv bench`)."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minihv.errors import MinihvError

try:
    from minihv.containers import try_session
    from minihv.containers.images import Store
    from minihv.containers.linux import cgroups
    from minihv.containers.linux.runtime.session import Session
except ImportError as error:
    raise MinihvError(f"containers that run programs need a Linux kernel ({error})") from None

# What unshare(1) is asked for: the seven namespaces that a container of root's gets.
UNSHARE = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--time", "--fork",
           "chroot"]
PEER, BASE = "unshare + chroot", "fork + exec"
Launch = Callable[[int], Callable[[], object]]      # (output descriptor) -> what waits for the end


def spawn(*argv: str, stdout: int) -> int:
    """fork and exec with as little of Python as possible; return the pid."""
    return os.posix_spawnp(argv[0], argv, os.environ,
                           file_actions=[(os.POSIX_SPAWN_DUP2, stdout, 1)])


def timed(launch: Launch) -> tuple[float, float]:
    """Return the milliseconds from the request to the command's first output, and to its end."""
    reader, writer = os.pipe()
    before = time.perf_counter()
    end = launch(writer)
    os.close(writer)
    os.read(reader, 1)
    first = time.perf_counter()
    end()
    last = time.perf_counter()
    os.close(reader)
    return (first - before) * 1000, (last - before) * 1000


@contextlib.contextmanager
def urgent() -> Iterator[bool]:
    """Run before all else that this computer does, if we are root (yields if so): what
    is measured is mostly waiting to be scheduled, and a busy machine would decide the ratio."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    except (AttributeError, OSError):
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def contestants(store: Store, sessions: list[Session]) -> dict[str, Launch]:
    """Each starts `echo`, in its own way; sessions are added to what must be closed."""
    rootfs = str(store.layer_path(store.find("busybox").layers[0]))

    def program(*argv: str) -> Launch:
        def launch(out: int) -> Callable[[], object]:
            pid = spawn(*argv, stdout=out)
            return lambda: os.waitpid(pid, 0)
        return launch

    def ours(prepared: bool = True, **options: Any) -> Launch:
        os.environ |= {} if prepared else {"MINIHV_NO_SEED": "1"}
        session = Session(store)
        os.environ.pop("MINIHV_NO_SEED", None)
        sessions.append(session)

        def launch(out: int) -> Callable[[], object]:
            box = session.run("busybox", ["echo"], out, **options)

            def end() -> None:
                box.wait()
                box.close()
            return end
        return launch

    cli = [sys.executable, "-m", "minihv", "container", "run", "--rm", "busybox", "echo"]
    found = {BASE: program(f"{rootfs}/bin/busybox", "echo")}
    if os.getuid() == 0 and shutil.which("unshare"):
        found |= {PEER: program(*UNSHARE, rootfs, "/bin/echo"), "minihv": ours(),
                  "minihv, nothing prepared": ours(prepared=False)}
    found["minihv, rootless"] = ours(rootless=True)
    if os.getuid() == 0:
        found["minihv, limits on memory and pids"] = ours(memory=64 << 20, pids=32)
    return found | {"`minihv container run` (a new Python)": program(*cli)}


def start(store: Store, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (start, start + end) in ms of each contestant, round by round; they take turns."""
    sessions: list[Session] = []
    try:
        with urgent():
            racing = contestants(store, sessions)
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in racing}
            for _ in range(rounds):
                for name, launch in racing.items():
                    times[name].append(timed(launch))
                    time.sleep(0.005)
        return times
    finally:
        for session in sessions:
            session.close()


def many(store: Store, count: int = 200) -> dict[str, float]:
    """Start `count` containers; return how many live, seconds to start them, MiB of memory each,
    as charged to a cgroup that holds them all (else by what is available on the machine)."""
    with Session(store) as session:
        session.run("busybox", ["true"]).close()
        group = cgroups.Limits.make(f"bench-{os.getpid()}", memory=8 << 30)
        group.add(session.process.pid)
        used = group.memory_used if group.works else lambda: -available()
        before, begun = used(), time.perf_counter()
        boxes = [session.run("busybox", ["sleep", "1000"]) for _ in range(count)]
        seconds, after = time.perf_counter() - begun, used()
        alive = sum(os.path.exists(f"/proc/{box.pid}") for box in boxes)
    group.remove()
    return {"alive": alive, "seconds": seconds, "charged": bool(group.works),
            "MiB each": (after - before) / count / (1 << 20)}


def available() -> int:
    """Return MemAvailable in bytes."""
    text = Path("/proc/meminfo").read_text()
    return int(text.split("MemAvailable:")[1].split()[0]) << 10


def section(say: Callable[[str], None], rounds: int = 3) -> list[str]:
    """Return the part of RESULTS.md on containers."""
    head = ["## Containers", ""]
    session, reason = try_session()
    if session is None:
        return [*head, f"Not measured: {reason}."]
    session.close()
    with tempfile.TemporaryDirectory(prefix="minihv-bench-") as home:
        os.chmod(home, 0o755)
        old = os.environ.get("MINIHV_HOME")
        os.environ["MINIHV_HOME"] = home
        try:
            store = Store(Path(home))
            say("containers: start ...")
            times = start(store, 20 * rounds)
            say("containers: 200 at once ...")
            crowd = many(store)
        finally:
            os.environ.pop("MINIHV_HOME")
            os.environ |= {"MINIHV_HOME": old} if old else {}
    return [*head, *_table(times), "", *_crowd(crowd)]


def _table(times: dict[str, list[tuple[float, float]]]) -> list[str]:
    """Return medians, and the medians of the rounds' differences and ratios."""
    def median(name: str, column: int) -> float:
        return statistics.median(pair[column] for pair in times[name])

    def paired(name: str, other: str, how: Callable[[float, float], float]) -> float:
        return statistics.median(how(a[0], b[0]) for a, b in
                                 zip(times[name], times[other], strict=True))

    rounds = len(times[BASE])
    lines = [f"Start of a static busybox's `echo`, up to its first byte, {rounds} rounds, all",
             "in turn; as root at real-time priority, so that other load does not decide it.",
             "A minihv session keeps one process in new namespaces ready; \"nothing prepared\" is",
             "without that. The goals are for a container without limits.", "",
             "| how | start, ms | start and end, ms | beyond fork + exec, ms | against unshare |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for name in times:
        over = "" if name == BASE else f"{paired(name, BASE, lambda a, b: a - b):.1f}"
        ratio = "" if name in (BASE, PEER) or PEER not in times else \
            f"{paired(name, PEER, lambda a, b: a / b):.2f} ×"
        cells = [name, f"{median(name, 0):.1f}", f"{median(name, 1):.1f}", over, ratio]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "| goal | | | ≤ 15 | ≤ 1.5 × |"]


def _crowd(crowd: dict[str, float]) -> list[str]:
    return [f"200 at once: {crowd['alive']:.0f} alive after {crowd['seconds']:.1f} s, "
            f"{crowd['MiB each']:.2f} MiB of memory each (goal ≤ 2 MiB)."]
