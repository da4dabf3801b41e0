"""Containers started, stopped and killed at random, then a look for leaks; or what a start costs:

    python -m tests.containers.measure N
    python -m tests.containers.measure start N
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
from pathlib import Path

from minihv.containers.images import Store
from minihv.containers.linux.cgroups import CONTROLLER, own_group, read
from minihv.tools.bench.containers import urgent


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


UNSHARE = ["unshare", "--fork", "--pid", "--mount", "--uts", "--ipc", "--net", "chroot"]
SLEEP = 31536  # seconds: no one else's sleep


def cycle(home: Path, chance: random.Random, net: str = "none") -> None:
    """One container of `minihv container run`, stopped, killed, or its runner killed, at any
    moment of its life."""
    argv = [sys.executable, "-m", "minihv", "container", "run", "--rm", "--memory", "64M",
            "--pids", "16", "--net", net, "busybox", "sleep", str(SLEEP)]
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
    subprocess.run([sys.executable, "-m", "minihv", "container", "ps"], check=True,
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


def starts(home: Path, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return CPU and wall time in ms of /bin/true, started in each way in turn, to its end."""
    root = Store(home).layer_path(Store(home).find("busybox").layers[0])
    run = [sys.executable, "-m", "minihv", "container", "run", "--rm"]
    ways = {"unshare + chroot": [*UNSHARE, str(root), "/bin/true"],
            "a bare Python": [sys.executable, "-I", "-S", "-c", "pass"],
            "minihv container run": [*run, "busybox", "/bin/true"],
            "with limits": [*run, "--memory", "64M", "--pids", "32", "busybox", "/bin/true"]}
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with urgent():
        for _ in range(rounds):
            for way, argv in ways.items():
                begun = time.perf_counter()
                pid = os.posix_spawnp(argv[0], argv, os.environ)
                _, status, used = os.wait4(pid, 0)
                wall = time.perf_counter() - begun
                assert status == 0, way
                found[way].append(((used.ru_utime + used.ru_stime) * 1000, wall * 1000))
                time.sleep(0.05)
    return found


def show_starts(home: Path, rounds: int) -> None:
    """Print medians, and the medians of each round's ratios to its unshare."""
    found = starts(home, rounds)
    for way, times in found.items():
        cells = [way]
        for column in (0, 1):
            base = [pair[column] for pair in found["unshare + chroot"]]
            mine = [pair[column] for pair in times]
            ratio = statistics.median(a / b for a, b in zip(mine, base, strict=True))
            cells += [f"{statistics.median(mine):.1f}", f"{ratio:.1f} ×"]
        print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="minihv-measure-") as home:
        os.chmod(home, 0o755)
        os.environ["MINIHV_HOME"] = home
        Store(Path(home)).find("busybox")
        if sys.argv[1] == "start":
            return show_starts(Path(home), int(sys.argv[2]))
        for kind, names in cycles(Path(home), int(sys.argv[1])).items():
            print(f"{kind} left behind: {len(names)}")


if __name__ == "__main__":
    main()
