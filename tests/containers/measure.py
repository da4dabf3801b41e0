"""Measures containers of a static busybox: python -m tests.containers.measure start|many|cycles N

start: against the same namespaces from util-linux (unshare + chroot), interleaved in one run;
many: 200 at once, memory each; cycles: start, stop and kill at random, then look for leaks.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from minihv.containers.cgroups import CONTROLLER, own_group, read
from minihv.containers.images import Store
from minihv.containers.session import Session

UNSHARE = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--time", "--fork",
           "chroot"]


def spawn(*argv: str, stdout: int | None = None) -> int:
    """fork and exec with as little of Python as possible: the pid."""
    actions = [] if stdout is None else [(os.POSIX_SPAWN_DUP2, stdout, 1)]
    return os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)


def timed(launch: Callable[[int], Callable[[], object]]) -> tuple[float, float]:
    """Milliseconds from the request to the command's first byte of output, and to its end."""
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


def start(store: Store, rounds: int = 100) -> dict[str, float]:
    """Start of `echo`, and start with end, in ms: medians; the candidates take turns."""
    rootfs = str(store.layer_path(store.find("busybox").layers[0]))
    with Session(store) as one, Session(store) as two, Session(store) as three:
        def program(*argv: str) -> Callable[[int], Callable[[], object]]:
            def launch(out: int) -> Callable[[], object]:
                pid = spawn(*argv, stdout=out)
                return lambda: os.waitpid(pid, 0)
            return launch

        def ours(session: Session, **options: object) -> Callable[[int], Callable[[], object]]:
            def launch(out: int) -> Callable[[], object]:
                box = session.run("busybox", ["echo"], out, **options)
                return lambda: (box.wait(), box.close())
            return launch

        cli = [sys.executable, "-m", "minihv.containers", "run", "--rm", "busybox", "echo"]
        candidates = {
            "fork + exec": program(f"{rootfs}/bin/busybox", "echo"),
            "unshare + chroot": program(*UNSHARE, rootfs, "/bin/echo"),
            "minihv": ours(one), "minihv, rootless": ours(two, rootless=True),
            "minihv, memory and pids limits": ours(three, memory=64 << 20, pids=32),
            "minihv container run (new Python)": program(*cli),
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
        for _ in range(rounds):
            for name, launch in candidates.items():
                times[name].append(timed(launch))
                time.sleep(0.005)
    figures = {}
    for name, pairs in times.items():
        for what, column in (("start", 0), ("start + end", 1)):
            figures[f"{name}: {what} [ms]"] = statistics.median(p[column] for p in pairs)
    return figures


def many(store: Store, count: int = 200) -> dict[str, float]:
    """`count` containers at once: seconds to start them, MiB each (machine-wide and by cgroup)."""
    with Session(store) as session:
        session.run("busybox", ["true"]).wait()
        free = available()
        before = time.perf_counter()
        boxes = [session.run("busybox", ["sleep", "1000"]) for _ in range(count)]
        seconds = time.perf_counter() - before
        used = (free - available()) / count / 1024
        pss = statistics.mean(proportional(box.pid) for box in boxes) / 1024
        alive = sum(box.status is None and os.path.exists(f"/proc/{box.pid}") for box in boxes)
    return {"alive": alive, "seconds": seconds, "MiB each, machine-wide": used,
            "MiB each, of the process (PSS)": pss}


def available() -> int:
    """MemAvailable in KiB."""
    text = Path("/proc/meminfo").read_text()
    return int(text.split("MemAvailable:")[1].split()[0])


def proportional(pid: int) -> int:
    """Proportional set size of a process in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.split("\nPss:")[1].split()[0])


def footprint(home: Path) -> dict[str, set[str]]:
    """All that containers of this home could leave behind on this host."""
    groups = {p[0] for c in set(CONTROLLER.values()) if (p := own_group(c))}
    processes = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    return {
        "mounts": {line for line in open("/proc/self/mountinfo") if str(home) in line},
        "links": {p.name for p in Path("/sys/class/net").iterdir() if p.name.startswith("m")},
        "cgroups": {str(p) for g in groups for p in Path(g).glob("minihv-*")
                    if not read(f"{p}/cgroup.procs")},  # one with processes is someone's
        "processes": {line for line in processes.splitlines() if str(home) in line
                      or f"sleep {SLEEP}" in line},
        "folders": {p.name for p in (home / "containers").glob("*")},
    }


SLEEP = 31536  # seconds: no one else's sleep


def cycle(home: Path, chance: random.Random, net: str = "none") -> None:
    """One container of `minihv container run`, stopped, killed, or its runner killed, at any
    moment of its life."""
    argv = [sys.executable, "-m", "minihv.containers", "run", "--rm", "--memory", "64M", "--pids",
            "16", "--net", net, "busybox", "sleep", str(SLEEP)]
    runner = subprocess.Popen(argv, env=os.environ | {"MINIHV_HOME": str(home)},
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.05, 0.35))
    runner.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
    try:
        runner.wait(0.05)
    except subprocess.TimeoutExpired:  # SIGTERM went to `sleep`, which as init ignores it
        runner.kill()
        runner.wait()


def cycles(home: Path, count: int, seed: int = 0, net: str = "none") -> dict[str, set[str]]:
    """What `count` cycles leave behind after the next command has swept."""
    chance = random.Random(seed)
    before = footprint(home)
    for _ in range(count):
        cycle(home, chance, net)
    time.sleep(0.3)
    for folder in (home / "containers").glob("*"):
        os.utime(folder, (0, 0))  # a folder without a record counts as left behind after 10 s
    subprocess.run([sys.executable, "-m", "minihv.containers", "ps"], check=True,
                   env=os.environ | {"MINIHV_HOME": str(home)}, stdout=subprocess.DEVNULL)
    return left_behind(home, before)


def left_behind(home: Path, before: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is there now and was not before; given a moment, for others come and go."""
    left: dict[str, set[str]] = {}
    for _ in range(20):
        left = {kind: seen - before[kind] for kind, seen in footprint(home).items()}
        if not any(left.values()):
            break
        time.sleep(0.1)
    return left


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="minihv-measure-") as home:
        os.chmod(home, 0o755)
        os.environ["MINIHV_HOME"] = home
        store = Store(Path(home))
        store.find("busybox")
        what = sys.argv[1] if len(sys.argv) > 1 else "start"
        if what == "start":
            figures = start(store)
        elif what == "many":
            figures = many(store)
        else:
            left = cycles(Path(home), int(sys.argv[2]))
            figures = {f"{kind} left": len(names) for kind, names in left.items()}
        for name, value in figures.items():
            print(f"{name:50}{value:10.2f}")


if __name__ == "__main__":
    main()
