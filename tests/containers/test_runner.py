"""The runner's walls: nothing of the host is writable, nothing outlives it, its streams end."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pty
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from minihv.containers.images import ContainerError, Store, busybox
from minihv.containers.linux import cgroups, interpreter, seccomp
from minihv.containers.linux.runtime import attached, records, tail
from minihv.containers.linux.runtime.session import Session
from tests.containers.conftest import ROOT, USER, command, environment, ordinary_python
from tests.containers.test_images import busybox_of, layout, tar_of
from tests.containers.test_runtime import wait_for

RUN = [sys.executable, "-m", "minihv", "container"]

# ---- the interpreter ---------------------------------------------------------------------------

# A copy of an interpreter enters, by one of the ways; when it runs no more, who has a descriptor
# on it, as somebody in a container would have, tries to write.
DECOY = """
import os, sys
from minihv.containers.linux import interpreter
fd = getattr(interpreter, sys.argv[1])()
os.set_inheritable(fd, True)
leave = "import os; os.execv('/bin/sh', ['sh', '-c', 'sleep 0.1; echo x >&- 2>/dev/null; "
leave += "echo overwritten > /proc/self/fd/9 || echo refused'])"
code = "import os; os.dup2(os.open('/proc/self/exe', os.O_RDONLY), 9);" + leave
os.execve(fd, ["python3", "-I", "-S", "-c", code], interpreter.environment())
"""


def decoy(folder: Path) -> Path:
    """A copy of an interpreter that may be lost, with what it needs around it."""
    real = Path(os.path.realpath(ordinary_python()))
    copy = folder / "python-decoy"
    copy.write_bytes(real.read_bytes())
    copy.chmod(0o755)
    return copy


@pytest.mark.parametrize("way", ["bind", "bind_as_a_user", "sealed_copy", "read_only"])
@pytest.mark.parametrize("user", ["root", "ordinary"])
def test_the_interpreter_cannot_be_overwritten(outside: Path, way: str, user: str) -> None:
    """As an ordinary user the copy is that user's own."""
    if user == "root" and os.getuid() or (way, user) == ("bind", "ordinary"):
        pytest.skip("needs root")
    copy = decoy(outside)
    before = copy.read_bytes()
    who: dict[str, Any] = {}
    if user == "ordinary" and os.getuid() == 0:
        os.chown(copy, USER, USER)
        who = {"user": USER, "group": USER, "extra_groups": []}
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
                        "PYTHONHOME": os.path.realpath(ordinary_python()).rpartition("/bin/")[0]}
    done = subprocess.run([str(copy), "-c", DECOY, way], env=env, cwd=ROOT, timeout=30, text=True,
                          capture_output=True, **who)
    after = copy.read_bytes()
    copy.unlink()
    if "not permitted" in done.stderr and way == "bind_as_a_user":
        pytest.skip("no namespaces for users here")
    assert done.stdout == "refused\n" and after == before, done.stderr


HIDDEN = "(nobody may look)"


def executable_of(pid: int) -> tuple[str, int]:
    """What a process executes: its path, and the error of writing there by the process."""
    try:
        os.close(os.open(f"/proc/{pid}/exe", os.O_WRONLY))
    except OSError as error:
        with contextlib.suppress(PermissionError):
            return os.readlink(f"/proc/{pid}/exe"), error.errno or 0
        return HIDDEN, error.errno or 0
    return os.readlink(f"/proc/{pid}/exe"), 0


def test_what_enters_is_that_interpreter(store: Store, session: Session) -> None:
    """The helper of a session, the runners of `run` and `exec`, and a container's init."""
    box = session.run("busybox", ["sleep", "100"])
    runner = subprocess.Popen([*RUN, "run", "--name", "enter", "busybox", "sleep", "100"],
                              env=environment(store.home), cwd=ROOT)
    wait_for(lambda: records_of(store, "enter").get("status") == "running")
    joined = subprocess.Popen([*RUN, "exec", "enter", "sleep", "77"], env=environment(store.home),
                              cwd=ROOT)
    wait_for(lambda: os.readlink(f"/proc/{joined.pid}/exe") == "/")
    mine = os.stat(sys.executable).st_uid == os.getuid()  # else its mode says no already
    refusals = (errno.ETXTBSY, errno.EROFS, *(() if mine else (errno.EACCES,)))
    for pid in (session.process.pid, runner.pid, joined.pid, records_of(store, "enter")["init"]):
        path, error = executable_of(pid)
        assert error in refusals
        # A mount of this file alone, or a copy; nobody but root may look at an init.
        assert path in ("/", HIDDEN) or path.startswith("/memfd:")
    assert box.exec(["ls", "-l", "/proc/1/exe"])[1].count("Permission denied") == 1
    assert "/" not in box.exec(["sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline"])[1]
    box.close()
    runner.kill(), runner.wait(), joined.wait(10)
    assert command(store.home, "rm", "enter").returncode == 0


def test_the_callers_descriptors_are_no_working_folder(store: Store, outside: Path) -> None:
    """An image may ask to work in one of them by number (CVE-2024-21626)."""
    (outside / "secret").touch()
    base = busybox.tar_of(busybox_of(store), ["sh", "ls"])
    image = layout(outside / "inherits", [base],
                   {"WorkingDir": "/proc/self/fd/5", "Cmd": ["ls", "."]})
    store.add(image)
    for more in ([], ["--rootless"]):
        line = f"exec 5<{outside}; exec {shlex.join([*RUN, 'run', '--rm', *more])} inherits"
        done = subprocess.run(["sh", "-c", line], env=environment(store.home), cwd=ROOT,
                              timeout=20, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (125, ""), done.stderr
        assert done.stderr.count("/proc/self/fd/5: No such file or directory\n") == 1


def records_of(store: Store, name: str) -> dict[str, Any]:
    """The record of a container by its name."""
    found = [s for f in records.containers(store.home) if (s := records.read_state(f))]
    return next((s["record"] for s in found if s["name"] == name), {})


def test_a_file_given_as_stdin_cannot_be_written(store: Store, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("kept\n")
    for args in (["run", "--rm", "busybox"], ["exec", "stdin"]):
        if args[0] == "exec":
            command(store.home, "run", "-d", "--name", "stdin", "busybox", "sleep", "100")
        with open(given) as f:
            done = command(store.home, *args, "--", "sh", "-c",
                           "cat; echo lost > /proc/self/fd/0", stdin=f)
        assert done.stdout == "kept\n" == given.read_text(), done.stderr
    command(store.home, "rm", "stdin")


def test_an_image_leads_no_mount_onto_the_host(store: Store, session: Session, outside: Path,
                                               options: dict[str, Any]) -> None:
    """By a link in place of a folder that the runner makes or mounts on, before the image is
    the root."""
    (outside / "decoy").mkdir()
    base = busybox.tar_of(busybox_of(store), ["sh", "ls"])
    for name in ("proc", "dev", "mnt"):
        link = tar_of((f".wh.{name}", b""), (name, (tarfile.SYMTYPE, str(outside / "decoy"))))
        store.add(layout(outside / f"leads-{name}", [base, link], {}))
        binds = [(str(outside), "/mnt/made")] if name == "mnt" else []
        with pytest.raises(ContainerError, match=f"/{name}.*link in place"):
            session.run(f"leads-{name}", ["ls"], binds=binds, **options)
    assert not os.listdir(outside / "decoy")


# ---- the end of the runner ---------------------------------------------------------------------


def test_a_command_that_forgets_its_parent_does_not_outlive_it(store: Store) -> None:
    """`su` changes the user, whereupon the kernel clears the parent-death signal."""
    if os.getuid():
        pytest.skip("an ordinary user has one id only")
    script = ("echo nobody:x:65534:65534::/:/bin/sh >> /etc/passwd; "
              "exec su -s /bin/sh nobody -c 'echo changed; exec sleep 100'")
    runner = subprocess.Popen([*RUN, "run", "--name", "lives", "busybox", "--", "sh", "-c", script],
                              env=environment(store.home), cwd=ROOT, stdout=subprocess.PIPE)
    assert runner.stdout is not None and runner.stdout.readline() == b"changed\n"
    wait_for(lambda: records_of(store, "lives").get("status") == "running")
    pid = records_of(store, "lives")["pid"]
    runner.kill()
    runner.wait()
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert "exited 137" in command(store.home, "ps").stdout
    assert command(store.home, "rm", "lives").returncode == 0
    assert "lives" not in command(store.home, "ps").stdout


@pytest.mark.parametrize("killed", [False, True])
def test_nothing_outlives_one_for_one_run_only(store: Store, killed: bool) -> None:
    """Processes in sessions of their own, and another user's as well."""
    seconds = f"{os.getpid()}{killed:d}"
    other = "sh -c" if os.getuid() else "su -s /bin/sh nobody -c"  # one id only, if not root
    script = (f"setsid sleep {seconds} & trap '' TERM HUP; (sleep {seconds} &)\n"
              "echo nobody:x:65534:65534::/:/bin/sh >> /etc/passwd\n"
              f"{other} 'setsid sleep {seconds}' &\n"
              "while [ $(ps | grep -c '[s]leep') -lt 3 ]; do :; done; echo on; "
              + ("wait" if killed else "exit 3"))
    runner = subprocess.Popen([*RUN, "run", "--rm", "busybox", "--", "sh", "-c", script],
                              env=environment(store.home), cwd=ROOT, stdout=subprocess.PIPE)
    assert runner.stdout is not None and runner.stdout.readline() == b"on\n"
    if killed:
        inside = those_that_sleep(seconds)
        assert inside
        runner.kill()
        assert runner.wait(10) == -signal.SIGKILL
        wait_for(lambda: not those_that_sleep(seconds))
    else:
        assert runner.wait(10) == 3 and not those_that_sleep(seconds)


def those_that_sleep(seconds: str) -> list[str]:
    """The processes whose last argument this is."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            args = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if args[:2] == [b"sleep", seconds.encode()]:
            found.append(place.name)
    return found


def test_the_sweep_ends_what_is_left_and_nobody_else() -> None:
    """Known by its number and its start, for numbers come again."""
    child = subprocess.Popen(["sleep", "100"])
    record = {"init": child.pid, "begun": records.start_time(child.pid)}
    assert records.kill({"record": record | {"begun": record["begun"] + 1}})
    assert child.poll() is None
    assert records.kill({"record": record}) and child.wait() == -signal.SIGKILL
    assert records.kill({"record": record}) and records.kill({})


def test_the_init_reaps_and_passes_signals_on(session: Session, options: dict[str, Any]) -> None:
    box = session.run("busybox", ["sh", "-c", "(sleep 0.1 &) ; exec sleep 100"], **options)
    wait_for(lambda: "sleep 0.1" not in (seen := box.exec(["ps"])[1]) and "sleep 100" in seen)
    assert "[sleep]" not in box.exec(["ps"])[1]
    box.kill(signal.SIGTERM)  # which a first process would ignore
    assert box.wait(10) == 128 + signal.SIGTERM
    box.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_exec_and_its_command_end_together(store: Store, number: int) -> None:
    command(store.home, "run", "-d", "--name", "host", "busybox", "sleep", "100")
    joined = subprocess.Popen([*RUN, "exec", "host", "--", "sh", "-c", "echo on; sleep 78"],
                              env=environment(store.home), cwd=ROOT, stdout=subprocess.PIPE)
    assert joined.stdout is not None and joined.stdout.readline() == b"on\n"
    joined.send_signal(number)
    assert joined.wait(10) in (128 + number, -number)
    if number == signal.SIGKILL:
        wait_for(lambda: "sleep 78" not in command(store.home, "exec", "host", "ps").stdout)
    assert command(store.home, "rm", "host").returncode == 0


def test_an_ordinary_user_joins_and_removes(store: Store, outside: Path) -> None:
    """Nobody but root may look into an init; some directories even their owner may not list."""
    home = outside / "joins"
    home.mkdir()
    layer = store.layer_path(store.find("busybox").layers[0])
    binary = shutil.copy(layer / "bin/busybox", outside)
    python = ordinary_python()
    who: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 60,
                           "env": environment(home) | {"PYTHONDONTWRITEBYTECODE": "1"}}
    if os.getuid() == 0:
        os.chown(home, USER, USER)
        who |= {"user": USER, "group": USER, "extra_groups": []}
    make = ("import sys; from pathlib import Path; from minihv.containers.images import Store, "
            "busybox; Store().take('busybox', busybox.contents(Path(sys.argv[1])))")
    subprocess.run([python, "-c", make, str(binary)], check=True, **who)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([python, "-m", "minihv", "container", *args], **who)

    script = "mkdir -p /deep/er; chmod 0 /deep; sleep 100"
    begun = run("run", "-d", "--name", "o", "busybox", "--", "sh", "-c", script)
    if begun.returncode:
        pytest.skip(begun.stderr)
    joined = run("exec", "o", "--", "sh", "-c", "id -u; ls -l /proc/1/exe; exit 4")
    assert (joined.returncode, joined.stdout.split()[0]) == (4, "0"), joined.stderr
    assert "Permission denied" in joined.stderr
    assert run("rm", "o").returncode == 0 and not list((home / "containers").iterdir())


# ---- streams -----------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(store: Store, closed: str) -> None:
    script = "cat; echo out; echo err >&2; exit 6"
    line = f"exec {shlex.join(RUN)} run --rm busybox -- sh -c '{script}' {closed}"
    done = subprocess.run(["sh", "-c", line], env=environment(store.home), cwd=ROOT, timeout=20,
                          input="in\n", capture_output=True, text=True)
    heard = ("" if "<&-" in closed else "in\n") + "out\n"
    assert done.returncode == 6
    assert done.stdout == ("" if " >&-" in f" {closed}" else heard)
    assert done.stderr == ("" if "2>&-" in closed else "err\n")


def test_a_reader_that_leaves_ends_the_writer(store: Store) -> None:
    runner = subprocess.Popen([*RUN, "run", "--rm", "busybox", "yes"], cwd=ROOT,
                              env=environment(store.home), stdout=subprocess.PIPE)
    assert runner.stdout is not None and runner.stdout.readline() == b"y\n"
    runner.stdout.close()
    assert runner.wait(10) in (1, 128 + signal.SIGPIPE)  # busybox's yes looks itself


@pytest.mark.parametrize("options", [[], ["--rm"]])
def test_a_detached_container_can_be_found_and_ended(store: Store, options: list[str]) -> None:
    """One for one run only is no less there while it runs."""
    made = [command(store.home, "run", "-d", *options, "busybox", "sh", "-c",
                    "echo said; exec sleep 1234").stdout.strip() for _ in range(4)]  # fmt: skip
    listed = command(store.home, "ps").stdout
    assert all(identity in listed for identity in made)
    wait_for(lambda: command(store.home, "logs", made[0]).stdout == "said\n")
    assert command(store.home, "exec", made[0], "echo", "inside").stdout == "inside\n"
    for identity in made:
        done = command(store.home, "rm", identity)
        assert (done.returncode, done.stderr) == (0, "")
    assert not {folder.name for folder in (store.home / "containers").iterdir()} & {*made}
    assert cgroups.leftovers(made[0]) == []


def test_a_command_cannot_write_to_the_terminal_of_ps(store: Store) -> None:
    made = command(store.home, "run", "-d", "busybox", "--", "sh", "-c", "sleep 99 # \033[2J\nx")
    listed = command(store.home, "ps").stdout
    assert made.stdout.strip() in listed and "sleep 99" in listed
    assert listed.replace("\n", "").isprintable()
    assert command(store.home, "rm", made.stdout.strip()).returncode == 0


def test_a_busy_group_keeps_the_record(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would know of the group any more, and no sweep could find it."""
    runner = subprocess.Popen([*RUN, "run", "--name", "busy", "busybox", "sleep", "100"],
                              env=environment(store.home), cwd=ROOT)  # fmt: skip
    wait_for(lambda: records_of(store, "busy").get("status") == "running")
    runner.kill(), runner.wait()
    monkeypatch.setattr(cgroups.Limits, "remove", lambda limits: False)
    records.sweep(store.home)
    monkeypatch.undo()
    assert records_of(store, "busy")
    records.sweep(store.home)
    assert records_of(store, "busy")["status"] == "exited"


def test_output_does_not_count_as_memory_and_is_rotated(store: Store) -> None:
    done = command(store.home, "run", "-d", "--name", "talks", "--memory", "16M", "busybox", "--",
                   "sh", "-c", "yes 0123456789abcde | head -c 31457280; echo end")
    if done.returncode:
        pytest.skip(done.stderr)
    wait_for(lambda: "exited 0" in command(store.home, "ps").stdout)
    text = command(store.home, "logs", "talks").stdout
    command(store.home, "rm", "talks")
    assert text.endswith("e\nend\n") and attached.LOG_SIZE < len(text) <= 2 * attached.LOG_SIZE


def test_a_session_keeps_the_last_part_of_what_is_written(session: Session,
                                                         options: dict[str, Any]) -> None:
    """Of the container and of a command that joined it; this process does not grow by it."""
    before, others = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, {*threading.enumerate()}
    script = "yes 0123456789abcde | head -c {}m; echo end"
    box = session.run("busybox", ["sh", "-c", script.format(30)], **options)
    assert box.wait(30) == 0
    texts = [box.output()]
    box.close()
    box = session.run("busybox", ["sleep", "100"], **options)
    texts.append(box.exec(["sh", "-c", script.format(30)])[1])
    box.exec(["sh", "-c", "echo small > /proc/1/fd/1; sleep 100 &"])  # holds the pipe on
    box.close()
    for text in texts:
        head, _, rest = text.partition("\n")
        assert head == f"[minihv: the first {(30 << 20) + 4 - tail.KEPT:,} bytes are not kept]"
        assert len(rest) == tail.KEPT and rest.endswith("abcde\nend\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10  # KiB
    wait_for(lambda: "tail" not in {thread.name for thread in {*threading.enumerate()} - others})


def test_a_writer_is_not_held_up_by_who_does_not_look(session: Session) -> None:
    box = session.run("busybox", ["sh", "-c", "head -c 1m /dev/zero; exit 3"])
    assert box.wait(10) == 3 and len(box.output()) == 1 << 20
    box.close()


def on_a_terminal(home: Path, *args: str) -> tuple[int, str]:
    """Run `minihv container ARGS` on a terminal of its own: exit status and all it showed."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.write(1, f"{os.ttyname(0)}\n".encode())
        os.execve(sys.executable, [*RUN, *args], environment(home))
    text, until = b"", time.monotonic() + 20
    while time.monotonic() < until:
        try:
            text += os.read(master, 4096)
        except OSError:
            break
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()


def test_exec_gets_a_terminal_of_its_own(store: Store) -> None:
    command(store.home, "run", "-d", "--name", "tty", "busybox", "sleep", "100")
    script = ["sh", "-c", "test -t 0 && echo terminal; readlink /proc/self/fd/0; : < /dev/tty && "
              "echo controlled; exit 9"]
    status, text = on_a_terminal(store.home, "exec", "tty", "--", *script)
    command(store.home, "rm", "tty")
    ours, first, theirs, last = text.split()
    assert (status, first, last) == (9, "terminal", "controlled")
    assert ours.rpartition("/")[2] != theirs.rpartition("/")[2]


def test_typing_on_a_terminal_is_denied() -> None:
    """The filter itself, as the kernel would run it."""
    for machine, number in seccomp.IOCTL.items():
        for request, answer in ((seccomp.TIOCSTI, seccomp.ERRNO | 1),
                                (seccomp.TIOCLINUX, seccomp.ERRNO | 1), (0x5401, seccomp.ALLOW)):
            data = {0: number, 4: seccomp.ARCH[machine], 24: request}
            assert interpret(seccomp.program(machine), data) == answer
    assert interpret(seccomp.program("x86_64"), {0: 56, 4: seccomp.ARCH["x86_64"], 16: 17}
                     ) == seccomp.ALLOW


def interpret(program: bytes, data: dict[int, int]) -> int:
    """Run a filter."""
    import struct

    at = value = 0
    while True:
        code, yes, no, k = struct.unpack_from("HBBI", program, 8 * at)
        at += 1
        if code == seccomp.RET:
            return int(k)
        if code == seccomp.LOAD:
            value = data.get(k, 0)
        else:
            holds = {seccomp.JEQ: value == k, seccomp.JGE: value >= k,
                     seccomp.JSET: bool(value & k)}[code]
            at += yes if holds else no


# ---- names and arguments -----------------------------------------------------------------------


def test_an_empty_name_is_nobodys_and_a_name_may_begin_an_id(store: Store) -> None:
    identity = command(store.home, "run", "-d", "--name", "only", "busybox", "sleep",
                       "100").stdout.strip()
    assert command(store.home, "rm", "").returncode == 2
    name = identity[:4]
    command(store.home, "run", "--name", name, "busybox", "true")
    assert json.loads(command(store.home, "inspect", name).stdout)["name"] == name
    assert json.loads(command(store.home, "inspect", identity[:6]).stdout)["name"] == "only"
    for key in (name, "only"):
        assert command(store.home, "rm", key).returncode == 0


@pytest.mark.parametrize("name", ["\udcff", "a\nb", "x" * 65, "a b", "\x1b[2J"])
def test_host_names_are_checked(session: Session, name: str) -> None:
    with pytest.raises(ContainerError, match="no host name"):
        session.run("busybox", ["true"], hostname=name)


def test_a_name_too_long_for_a_file_is_no_images(store: Store) -> None:
    for name in ("x" * 300, "x/" * 3000):
        with pytest.raises(ContainerError, match="^no image .{,400}$"):
            store.find(name)


@pytest.mark.parametrize("name", ["../../x", "-x", "a b", "x" * 64, "0123456789ab", "x\n"])
def test_names_are_checked(session: Session, name: str) -> None:
    with pytest.raises(ContainerError, match="no name for a container"):
        session.run("busybox", ["true"], name=name)


def test_long_and_empty_arguments(store: Store, session: Session,
                                  options: dict[str, Any]) -> None:
    long = "x" * 100_000
    box = session.run("busybox", ["sh", "-c", 'echo ${#1} $# "<$2>"', "sh", long, ""], **options)
    assert box.wait(10) == 0 and box.output() == "100000 2 <>\n"
    box.close()
    box = session.run("busybox", ["sleep", "100"], **options)
    assert box.exec(["sh", "-c", 'echo ${#1} $#', "sh", long, ""]) == (0, "100000 2\n")
    box.close()
    for args in (["run", "--rm", "busybox", "--", ""], ["run", "--rm", "busybox", "--", long]):
        done = command(store.home, *args)
        assert done.returncode in (126, 127) and len(done.stderr.splitlines()) == 1
        assert len(done.stderr) < 200 and done.stderr.startswith("minihv: ")


def test_files_that_belong_to_nobody_are_named(store: Store) -> None:
    """Root's image in a rootless container: its files are of ids that are not mapped."""
    if os.getuid():
        pytest.skip("an ordinary user's images are that user's")
    script = "echo x >> /etc/passwd || echo refused; echo x > /dev/shm/new && cat /dev/shm/new"
    done = command(store.home, "run", "--rm", "--rootless", "busybox", "--", "sh", "-c", script)
    assert done.stderr.startswith("minihv: the image's files belong to nobody")
    assert done.stdout == "refused\nx\n"


def test_a_copy_is_taken_if_nothing_may_be_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise PermissionError

    monkeypatch.setattr(interpreter, "bind", refuse)
    monkeypatch.setattr(interpreter, "bind_as_a_user", refuse)
    fd = interpreter.read_only()
    with pytest.raises(PermissionError):
        os.write(fd, b"x")
    os.close(fd)


def test_a_store_that_root_inside_cannot_reach_is_named(store: Store, tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("not root here")
    tmp_path.chmod(0o700)
    done = command(tmp_path / "home", "run", "--rootless", "--rm", "busybox", "true")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "lets nobody but its owner pass" in done.stderr and "MINIHV_HOME" in done.stderr
