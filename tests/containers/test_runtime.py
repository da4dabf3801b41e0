"""Containers on the real kernel: what they see, how they end, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from minihv.containers.images import ContainerError, Store
from minihv.containers.linux.runtime import records
from minihv.containers.linux.runtime.session import Session
from minihv.tools import container
from tests.containers import measure
from tests.containers.conftest import ROOT, USER, command, environment, ordinary_python
from tests.tiers import count

CYCLES = count(4, 12, 1_000)
MIB = 1 << 20


def sh(session: Session, script: str, **options: Any) -> tuple[int, list[str]]:
    """Run a script in a new container: exit status and lines."""
    box = session.run("busybox", ["sh", "-c", script], **options)
    status = box.wait(20)
    lines = box.output().splitlines()
    box.close()
    return status, lines


def needs(session: Session, **limits: Any) -> None:
    """Skip if the host does not grant a limit."""
    try:
        session.run("busybox", ["true"], **limits).close()
    except ContainerError as error:
        pytest.skip(str(error))


# ---- what it sees -----------------------------------------------------------------------------


def test_pid_1_and_only_its_own_processes(session: Session, options: dict[str, Any]) -> None:
    status, lines = sh(session, "echo $$; hostname; ps -o pid", hostname="box", **options)
    assert status == 0 and lines[:2] == ["2", "box"]  # 1 is the init
    assert [int(n) for n in lines[3:]] in ([1, 2], [1, 2, 3], [1, 2, 4])


def test_namespaces_are_all_its_own(session: Session, options: dict[str, Any]) -> None:
    kinds = ["mnt", "uts", "ipc", "pid", "net", "cgroup", "time"]
    kinds += ["user"] if options["rootless"] or os.getuid() else []
    _, lines = sh(session, f"cd /proc/self/ns; for n in {' '.join(kinds)}; do readlink $n; done",
                  **options)
    ours = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    assert len(lines) == len(kinds) and not set(lines) & set(ours)


def test_rights_are_given_up(session: Session, options: dict[str, Any]) -> None:
    _, lines = sh(session, "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status",
                  **options)
    facts = dict(line.split(":\t") for line in lines)
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2"
    assert facts["CapEff"] == facts["CapBnd"] == "00000000800405fb"


@pytest.mark.parametrize("script", [
    "mknod /tmp/null c 1 3", "mount -t tmpfs none /tmp", "unshare -n true",
    "mkdir /proc/sys/kernel/x", "hostname other", "echo > /proc/sys/kernel/domainname",
    'test -n "$(head -c 1 /proc/kcore)"', 'test -n "$(head -c 1 /proc/timer_list)"',
    "mount -o remount,rw /proc/sys"])
def test_refused_inside(session: Session, options: dict[str, Any], script: str) -> None:
    assert sh(session, script, **options)[0] != 0


def test_a_defence_can_be_left_out(session: Session) -> None:
    if os.getuid():
        pytest.skip("making device nodes needs root")
    without = ("caps", "seccomp")
    assert sh(session, "mknod /tmp/null c 1 3", rootless=False, without=without)[0] == 0
    with pytest.raises(ContainerError, match="no defence luck"):
        session.run("busybox", without=("luck",))


@pytest.mark.parametrize("script, others, defence", [
    ("mount -t tmpfs none /tmp", ("caps",), "seccomp"),
    ("echo x > /proc/sys/kernel/domainname", (), "masks"),  # of its own uts namespace
    ('test -n "$(head -c 1 /proc/timer_list)"', (), "masks"),
    ("hostname other", ("seccomp",), "caps")])
def test_each_wall_stands_alone(session: Session, script: str, others: tuple[str, ...],
                                defence: str) -> None:
    """With the walls beside it gone, one still stops it; without that one it works."""
    if os.getuid():
        pytest.skip("leaving out the user namespace needs root")
    if "timer_list" in script and not os.path.exists("/proc/timer_list"):
        pytest.skip("this host's kernel tells no timers")
    assert sh(session, script, rootless=False, without=others)[0] != 0
    assert sh(session, script, rootless=False, without=(*others, defence))[0] == 0


def test_secrets_are_covered_by_the_null_device(session: Session, options: dict[str, Any]) -> None:
    for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
                 "/proc/latency_stats", "/proc/sysrq-trigger"):
        assert sh(session, f"test ! -e {path} || test -c {path}", **options)[0] == 0, path


def test_settings_are_read_only(session: Session, options: dict[str, Any]) -> None:
    for path in ("/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq"):
        seen = sh(session, f"test ! -e {path} || grep ' {path} ' /proc/mounts", **options)
        assert seen == (0, []) or " ro," in seen[1][-1], path


def test_host_descriptors_are_closed(session: Session, options: dict[str, Any]) -> None:
    assert sh(session, "ls /proc/self/fd", **options)[1] == ["0", "1", "2", "3"]  # 3: of ls


def test_exec_joins_the_container(session: Session, options: dict[str, Any]) -> None:
    box = session.run("busybox", ["sleep", "100"], hostname="inner", **options)
    assert box.exec(["hostname"]) == (0, "inner\n")
    assert box.exec(["sh", "-c", "exit 5"])[0] == 5
    assert box.exec(["nosuch"])[0] == 127
    assert "sleep 100" in box.exec(["ps"])[1]
    box.close()


def test_exec_gives_no_more_than_the_container_has(session: Session,
                                                   options: dict[str, Any]) -> None:
    """The same capabilities, filter, open descriptors and groups as the first process."""
    needs(session, pids=8, **options)
    box = session.run("busybox", ["sleep", "100"], pids=8, **options)
    rights = "grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/%s/status; cat /proc/%s/cgroup"
    first, joined = (box.exec(["sh", "-c", rights % (pid, pid)])[1] for pid in ("1", "self"))
    assert first == joined and "CapBnd" in first
    assert box.exec(["ls", "/proc/self/fd"])[1].split() == ["0", "1", "2", "3"]  # 3: of ls
    box.close()


# ---- limits ------------------------------------------------------------------------------------


def test_memory_limit_kills_the_hog_only(session: Session, options: dict[str, Any]) -> None:
    """`tail` of an endless line keeps all of it: at most 64 MiB here."""
    needs(session, memory=32 * MIB, **options)
    neighbour = session.run("busybox", ["sleep", "100"], memory=32 * MIB, **options)
    status, _ = sh(session, "head -c 64m /dev/zero | tail -n 1 > /dev/null; exit $?",
                   memory=32 * MIB, **options)
    assert status != 0 and neighbour.exec(["true"])[0] == 0
    neighbour.close()


def test_pids_limit_stops_a_fork_bomb(session: Session, options: dict[str, Any]) -> None:
    """20 children at most, of which the limit lets 7 live."""
    needs(session, pids=8, **options)
    script = "i=0; while [ $i -lt 20 ]; do sleep 3 & i=$((i+1)); done; wait"
    box = session.run("busybox", ["sh", "-c", script], pids=8, **options)
    box.wait(20)
    assert "can't fork" in box.output()
    box.close()


# ---- how it ends -------------------------------------------------------------------------------


@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("sh -c 'kill -TERM $$'; exit $?", 143)])
def test_exit_status_is_the_commands(store: Store, script: str, status: int) -> None:
    done = command(store.home, "run", "--rm", "busybox", "--", "sh", "-c", script)
    assert done.returncode == status


def test_killed_is_128_and_the_signal(session: Session, options: dict[str, Any]) -> None:
    box = session.run("busybox", ["sleep", "100"], **options)
    box.kill(signal.SIGKILL)
    assert box.wait(10) == 128 + signal.SIGKILL


def test_streams_pass_through(store: Store) -> None:
    script = "cat; echo err >&2"
    done = command(store.home, "run", "--rm", "busybox", "sh", "-c", script, input="in\n")
    assert (done.stdout, done.stderr) == ("in\n", "err\n")


@pytest.mark.parametrize("args, status, text", [
    (["run", "busybox", "--", "nosuch"], 127, "nosuch"),
    (["run", "busybox", "--", "/etc/passwd"], 126, "/etc/passwd"),
    (["run", "nosuch"], 2, "no image 'nosuch'"), (["run", "--memory", "0", "busybox"], 2, "size"),
    (["run", "--pids", "x", "busybox"], 2, "number"), (["logs", "nosuch"], 2, "no container"),
    (["exec", "nosuch", "--", "true"], 2, "no container"), ([], 2, "COMMAND")])
def test_mistakes_give_one_clear_line(store: Store, args: list[str], status: int,
                                      text: str) -> None:
    done = command(store.home, *args)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == status and text in last and "Traceback" not in done.stderr


def test_signals_go_to_the_command(store: Store) -> None:
    script = "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
    argv = [sys.executable, "-m", "minihv", "container", "run", "--rm", "busybox", "sh", "-c",
            script]
    runner = subprocess.Popen(argv, env=environment(store.home), cwd=ROOT, text=True,
                              stdout=subprocess.PIPE)
    assert runner.stdout is not None and runner.stdout.readline() == "ready\n"
    runner.send_signal(signal.SIGTERM)
    assert runner.stdout.read() == "got it\n" and runner.wait(10) == 3


def test_the_life_of_a_detached_container(store: Store) -> None:
    def run(*args: str) -> str:
        done = command(store.home, *args)
        assert done.returncode == 0, done.stderr
        return done.stdout

    identity = run("run", "-d", "--name", "life", "busybox", "--", "sh", "-c",
                   "echo begun; echo x > /made; sleep 100").strip()
    assert "running" in next(line for line in run("ps").splitlines() if "life" in line)
    assert run("exec", "life", "--", "cat", "/made") == "x\n"
    wait_for(lambda: run("logs", identity) == "begun\n")
    facts = json.loads(run("inspect", "life"))
    assert facts["record"]["status"] == "running" and "made" in facts["changed"]
    assert command(store.home, "run", "--name", "life", "busybox", "true").returncode == 2
    os.kill(facts["record"]["pid"], signal.SIGKILL)
    wait_for(lambda: "exited 137" in run("ps"))
    run("rm", "life")
    assert "life" not in run("ps")


def wait_for(condition: Any) -> None:
    """Wait until something becomes true."""
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_an_ordinary_user_can_run_containers(store: Store, outside: Path, tmp_path: Path) -> None:
    """All of it without root: an image of its own, namespaces, limits that are labelled."""
    python = ordinary_python()
    home = outside / "ordinary"
    home.mkdir()
    layer = store.layer_path(store.find("busybox").layers[0])
    binary = shutil.copy(layer / "bin/busybox", outside)
    who: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 60}
    if os.getuid() == 0:
        os.chown(home, USER, USER)
        who |= {"user": USER, "group": USER, "extra_groups": []}
    env = environment(home) | {"PYTHONDONTWRITEBYTECODE": "1"}
    make = ("import sys; from pathlib import Path; from minihv.containers.images import Store, "
            "busybox; Store().take('busybox', busybox.contents(Path(sys.argv[1])))")
    subprocess.run([python, "-c", make, str(binary)], env=env, check=True, **who)
    script = "echo $$; id -u; touch /new && ls -A /dev | wc -l"
    argv = [python, "-m", "minihv", "container", "run", "--rm", "--pids", "32", "busybox", "--"]
    done = subprocess.run([*argv, "sh", "-c", script], env=env, **who)
    if done.returncode == 125:
        pytest.skip(done.stderr)
    assert done.stdout.split() == ["2", "0", "7"], done.stderr


# ---- the network -------------------------------------------------------------------------------

IN_A_NETWORK_OF_ITS_OWN = """
import socket
import sys
from pathlib import Path
from minihv.containers.linux import syscalls
syscalls.unshare(["net"])  # the bridge is made in here, not on the host
from minihv.containers.images import Store
from minihv.containers.linux.runtime.session import Session
with Session(Store(Path(sys.argv[1]))) as session:
    serve = ["sh", "-c", "echo hello | nc -l -p 5000; sleep 100"]
    one = session.run("busybox", serve, net="bridge", rootless=False)
    two = session.run("busybox", ["sleep", "100"], net="bridge", rootless=sys.argv[2] == "1")
    show = "ip addr show eth0 | awk '/inet / {print $2}' | cut -d/ -f1"
    address = one.exec(["sh", "-c", show])[1]
    ask = "for i in 1 2 3 4 5; do nc -w 5 %s 5000 && break; sleep 0.2; done" % address.strip()
    print(two.exec(["sh", "-c", ask])[1].strip())
    print(*sorted(name[:3] for _, name in socket.if_nameindex()))
    one.close(), two.close()
print(*sorted(name for _, name in socket.if_nameindex()))
"""


@pytest.mark.parametrize("rootless", ["0", "1"])
def test_containers_on_one_bridge_reach_each_other(store: Store, session: Session,
                                                   rootless: str) -> None:
    if os.getuid():
        pytest.skip("a bridge needs root")
    argv = [sys.executable, "-c", IN_A_NETWORK_OF_ITS_OWN, str(store.home), rootless]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines() == ["hello", "lo mhv mhv min", "lo"], done.stderr


# ---- records and commands ---------------------------------------------------------------------


def test_a_sweep_leaves_alone_what_is_just_being_made(tmp_path: Path) -> None:
    young = tmp_path / "containers" / "0123456789ab"
    young.mkdir(parents=True)
    assert records.sweep(tmp_path) == [] and young.exists()
    os.utime(young, (0, 0))
    assert records.sweep(tmp_path) == [young.name] and not young.exists()


def test_a_container_is_found_by_the_beginning_of_its_id_if_that_is_clear(
        monkeypatch: pytest.MonkeyPatch) -> None:
    found = [{"name": "one", "id": "1234"}, {"name": "two", "id": "1256"}]
    monkeypatch.setattr(container, "states", lambda store: found)
    assert [container.find(Store(), key) for key in ("123", "two")] == found
    for key, answer in (("12", "more than one container"), ("x", "no container")):
        with pytest.raises(ContainerError, match=answer):
            container.find(Store(), key)


def test_only_the_first_two_dashes_are_ours() -> None:
    """Some versions of argparse leave them in the command, others do not."""
    assert container.after_dashes(["--", "sh", "--", "x"]) == ["sh", "--", "x"]
    assert container.after_dashes(["sh", "--"]) == ["sh", "--"]


# ---- nothing stays behind ---------------------------------------------------------------------


def test_random_kills_leave_nothing(store: Store, session: Session) -> None:
    """Runners killed at random moments."""
    left = measure.cycles(store.home, CYCLES, seed=5)
    assert not any(left.values()), left


def test_killing_a_session_leaves_nothing(store: Store, session: Session) -> None:
    """The helper and its program die by SIGKILL while containers with limits run."""
    script = """if True:
        import sys, time
        from pathlib import Path
        from minihv.containers.images import Store
        from minihv.containers.linux.runtime.session import Session
        session = Session(Store(Path(sys.argv[1])))
        for _ in range(3):
            session.run("busybox", ["sleep", "31536"], memory=1 << 26)
        print(session.process.pid, flush=True)
        time.sleep(100)"""
    if os.getuid():
        pytest.skip("limits of the whole container need root")
    before = measure.footprint(store.home)
    for victim in ("program", "helper"):
        program = subprocess.Popen([sys.executable, "-c", script, str(store.home)], cwd=ROOT,
                                   stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        helper = int(program.stdout.readline())
        assert len(measure.footprint(store.home)["processes"]) >= 3
        os.kill(program.pid if victim == "program" else helper, signal.SIGKILL)
        wait_for(lambda: not measure.footprint(store.home)["processes"])
        program.kill()
        program.wait()
        for folder in (store.home / "containers").glob("*"):
            os.utime(folder, (0, 0))
        command(store.home, "ps")
        left = measure.left_behind(store.home, before)
        assert not any(left.values()), left
