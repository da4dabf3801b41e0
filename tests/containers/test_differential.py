"""The claim to truth: model and real kernel agree on random sequences of system calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from minihv.containers import linux, model, words
from minihv.containers.model import mounting, mounts, propagation, users
from minihv.errors import MinihvError
from tests.containers.differential import DIRS, MOST_PROCESSES, PATHS, Mismatch, Pair, Twins
from tests.tiers import count

EXAMPLES = count(20, 60, 5_000)
KINDS = st.sampled_from(list(words.KINDS))
SOME = st.lists(KINDS, max_size=3, unique=True)
PATH = st.sampled_from(PATHS)
WHO = st.integers(0, MOST_PROCESSES)
CAP = st.sampled_from(["SYS_ADMIN", "SETUID", "SYS_CHROOT", "NET_ADMIN", "KILL", "SETFCAP",
                       "DAC_OVERRIDE", "SYS_PTRACE", "NET_BIND_SERVICE", "MKNOD"])
MAPS = st.sampled_from([((0, 0, 1),), ((0, 0, 10),), ((0, 5, 1),), ((0, 1, 5), (5, 7, 2)),
                        ((0, 0, 2), (1, 5, 2)), ((0, 70000, 1),), ((7, 0, 1),), ((0, 0, 0),)])
TYPES = st.sampled_from(["shared", "slave", "private", "unbindable"])
REC = st.sampled_from(["", " rec"])

FAMILIES: dict[str, st.SearchStrategy[Any]] = {
    "processes": st.one_of(
        st.tuples(st.just("clone"), SOME), st.tuples(st.just("unshare"), SOME),
        st.tuples(st.just("setns"), WHO, KINDS), st.tuples(st.just("exit"), st.integers(0, 3)),
        st.tuples(st.just("kill"), st.integers(1, 5), st.sampled_from([0, 9, 15])),
        st.tuples(st.just("wait")), st.tuples(st.just("reap"))),
    "users": st.one_of(
        st.tuples(st.just("map_ids"), WHO, MAPS), st.tuples(st.just("map_ids"), WHO, MAPS),
        st.tuples(st.just("setuid"), st.sampled_from([0, 1, 5, 7, 70000])),
        st.tuples(st.just("drop"), CAP)),
    "things": st.one_of(
        st.tuples(st.just("sethostname"), st.sampled_from(["x", "y", "z" * 65])),
        st.tuples(st.just("link_add"), st.sampled_from(["br0", "br1"])),
        st.tuples(st.just("bind"), st.sampled_from([80, 8080])),
        st.tuples(st.just("msgget"), st.integers(1, 2), st.booleans())),
    "files": st.one_of(
        st.tuples(st.just("mkdir"), PATH), st.tuples(st.just("mkdir"), PATH),
        st.tuples(st.just("mknod"), PATH), st.tuples(st.just("listdir"), PATH),
        st.tuples(st.just("chdir"), PATH), st.tuples(st.just("chroot"), PATH)),
    "mounts": st.one_of(
        st.tuples(st.just("tmpfs"), PATH, st.sampled_from(["", "ro"])),
        st.tuples(st.just("tmpfs"), PATH, st.just("")),
        st.tuples(st.just("proc"), PATH, st.sampled_from(["", "ro"])),
        st.tuples(st.just("mbind"), PATH, PATH, REC), st.tuples(st.just("mbind"), PATH, PATH, REC),
        st.tuples(st.just("type"), PATH, TYPES, REC), st.tuples(st.just("type"), PATH, TYPES, REC),
        st.tuples(st.just("move"), PATH, PATH),
        st.tuples(st.just("remount"), PATH, st.sampled_from(["", " ro"])),
        st.tuples(st.just("umount"), PATH, st.sampled_from(["", "lazy"])),
        st.tuples(st.just("pivot"), PATH, PATH),
        st.sampled_from([("pivot", "/a", "/a/x"), ("pivot", "/b", "/b/x")])),
}


SHARE = (0, ("type", "/", "shared", " rec"))
BEGINNINGS: list[list[Any]] = [  # situations that random steps reach too rarely
    [], [SHARE], [(0, ("clone", ["mnt"]))], [SHARE, (0, ("clone", ["mnt"]))],
    [SHARE, (0, ("clone", ["mnt"])), (1, ("type", "/", "slave", " rec")),
     (1, ("type", "/", "shared", " rec")), (1, ("clone", ["mnt"]))],
    [SHARE, (0, ("clone", ["user", "mnt", "pid"])), (0, ("map_ids", 2, ((0, 0, 1),)))],
    [(0, ("mbind", "/a", "/a", "")), (0, ("type", "/a", "shared", "")),
     (0, ("mbind", "/a", "/b", "")), (0, ("clone", ["mnt", "user"])), (1, ("tmpfs", "/b/x", ""))],
    [(0, ("tmpfs", "/a", "")), (0, ("mkdir", "/a/x")), (0, ("tmpfs", "/b", "")),
     (0, ("mkdir", "/b/x")), (0, ("tmpfs", "/a/x", "")), (0, ("clone", ["mnt"]))],
    [(0, ("mbind", "/", "/a", "")), (0, ("type", "/a", "shared", "")), (0, ("clone", ["mnt"])),
     (0, ("mbind", "/a/b", "/a/b", "")), (1, ("type", "/a", "slave", ""))],
    [(0, ("clone", ["pid"])), (1, ("clone", [])), (1, ("clone", ["pid"])), (0, ("clone", []))],
    [(0, ("clone", ["user"])), (0, ("map_ids", 2, ((0, 0, 10),))), (1, ("setuid", 0)),
     (1, ("clone", ["user", "net", "uts"])), (1, ("map_ids", 3, ((0, 5, 1),)))],
]


def steps(*families: str) -> st.SearchStrategy[list[Any]]:
    """Sequences of (who acts, what) from some families of system calls, after a beginning."""
    one = st.one_of(*(FAMILIES[f] for f in families))
    rest = st.lists(st.tuples(WHO, one), min_size=3, max_size=25)
    return st.builds(lambda a, b: a + b, st.sampled_from(BEGINNINGS), rest)


def play(twins: Twins, who: int, step: tuple[Any, ...]) -> None:
    """Make one step on both sides."""
    name, *args = step
    alive = twins.living()
    actors = alive[1:] if len(alive) > 1 and name != "reap" else alive[:1]
    actor = actors[who % len(actors)]
    if actor is twins.pairs[0] and name not in ("reap", "clone"):
        return
    label = f"{name} {args}"
    if name == "clone":
        if len(alive) < MOST_PROCESSES:
            twins.clone(actor, *args[0])
    elif name in ("wait", "reap"):
        twins.same(label, actor, lambda p: p.wait())
    elif name == "listdir":
        twins.same(label, actor, lambda p: p.listdir(args[0]))
    elif name in ("setns", "map_ids"):
        target = twins.pairs[args[0] % len(twins.pairs)]
        if name == "setns":
            twins.both(label, actor, lambda p, q: p.setns(q, args[1]), target)
        elif target.model.state == "running":
            twins.both(label, actor, lambda p, q: p.map_ids(q, *args[1]), target)
    elif name == "unshare":
        twins.both(label, actor, lambda p: p.unshare(*args[0]))
    else:
        mount_or_plain(twins, actor, name, args, label)


def mount_or_plain(twins: Twins, actor: Pair, name: str, args: list[Any], label: str) -> None:
    """The calls that take only words and numbers."""
    twins.serial += 1
    source = f"fs{twins.serial}"
    if name == "umount" and args[0] == "/":
        return  # of a process's own root it means something else: remount read-only
    calls: dict[str, Any] = {
        "tmpfs": lambda p: p.mount(source, args[0], "tmpfs", args[1], "mode=755,size=64k"),
        "proc": lambda p: p.mount("proc", args[0], "proc", args[1]),
        "mbind": lambda p: p.mount(args[0], args[1], "", "bind" + args[2]),
        "type": lambda p: p.mount(None, args[0], "", args[1] + args[2]),
        "move": lambda p: p.mount(args[0], args[1], "", "move"),
        "remount": lambda p: p.mount(None, args[0], "", "remount bind" + args[1]),
        "umount": lambda p: p.umount(*args),
        "pivot": lambda p: p.pivot_root(*args),
    }
    twins.both(label, actor, calls.get(name, lambda p: getattr(p, name)(*args)))


def run(sequence: list[Any], helper: linux.Helper) -> Twins:
    with linux.Kernel(dirs=DIRS, helper=helper) as real:
        twins = Twins(real)
        twins.compare()
        for number, (who, step) in enumerate(sequence):
            play(twins, who, step)
            twins.compare(views=number % 4 == 3)
        twins.compare()
        return twins


@pytest.fixture(scope="module")
def helper() -> Iterator[linux.Helper]:
    helper = linux.Helper()
    try:
        linux.Kernel(helper=helper).close()
    except MinihvError as error:
        pytest.skip(str(error))
    yield helper
    helper.close()


LIKE_THIS = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                     suppress_health_check=list(HealthCheck),
                     phases=(Phase.generate, Phase.shrink))


@LIKE_THIS
@given(steps("processes", "users"))
def test_processes_and_users(helper: linux.Helper, sequence: list[Any]) -> None:
    run(sequence, helper)


@LIKE_THIS
@given(steps("processes", "users", "things", "files"))
def test_views(helper: linux.Helper, sequence: list[Any]) -> None:
    run(sequence, helper)


@LIKE_THIS
@given(steps("mounts", "files"))
def test_mounts_in_one_namespace(helper: linux.Helper, sequence: list[Any]) -> None:
    run(sequence, helper)


@LIKE_THIS
@given(steps("mounts", "mounts", "mounts", "processes", "users", "files"))
def test_everything(helper: linux.Helper, sequence: list[Any]) -> None:
    run(sequence, helper)


def no_need_of(cap: str) -> Any:
    """Process.need with one capability forgotten."""
    need = model.Process.need
    return lambda self, user_ns, asked: None if asked == cap else need(self, user_ns, asked)


CHILD = [SHARE, (0, ("clone", ["user", "mnt"])), (0, ("map_ids", 2, ((0, 0, 1),)))]
PLANTS: dict[str, tuple[Any, str, Any, list[Any]]] = {  # a wrong rule, and steps that show it
    "no check of capabilities": (
        model.Process, "sethostname", lambda self, name: None,
        [(0, ("drop", "SYS_ADMIN")), (0, ("sethostname", "x"))]),
    "a mount namespace is entered without CAP_SYS_CHROOT": (
        model.Process, "need", no_need_of("SYS_CHROOT"),
        [(0, ("clone", ["mnt"])), (0, ("drop", "SYS_CHROOT")), (0, ("setns", 2, "mnt"))]),
    "mounts are not locked": (
        mounting, "lock_tree", lambda tree: None, [*CHILD, (1, ("umount", "/proc", "lazy"))]),
    "nothing propagates": (
        mounts.Mount, "receivers", lambda self: iter(()),
        [SHARE, (0, ("clone", ["mnt"])), (1, ("tmpfs", "/a", ""))]),
    "an unmount goes too far": (
        propagation, "unmount_set", lambda doomed: [
            *doomed, *(q.children[doomed[0].at] for q in doomed[0].parent.receivers()
                       if doomed[0].at in q.children)],
        [SHARE, (0, ("clone", ["mnt"])), (0, ("tmpfs", "/a", "")),
         (1, ("type", "/a", "private", "")), (1, ("mkdir", "/a/x")),
         (1, ("tmpfs", "/a/x", "")), (0, ("umount", "/a", "lazy"))]),
    "user namespaces are unrelated": (
        model.UserNamespace, "within", lambda self, other: False,
        [(0, ("clone", ["pid"]))]),
    "a map can be anything": (
        users, "overlapping", lambda extents: False,
        [(0, ("clone", ["user"])), (0, ("map_ids", 2, ((0, 0, 2), (1, 5, 2))))]),
    "a capability counts everywhere": (
        model.Process, "capable", lambda self, user_ns, cap: cap in self.caps,
        [(0, ("clone", ["user"])), (0, ("map_ids", 2, ((0, 0, 1),))), (1, ("sethostname", "x"))]),
    "an ordinary user keeps root's rights": (
        model.Process, "setuid", lambda self, uid: setattr(
            self, "kuid", self.ns["user"].to_kernel(uid)),
        [(0, ("setuid", 5)), (0, ("sethostname", "x"))]),
    "a dying init leaves its processes alone": (
        model.Process, "exit", lambda self, code=0: setattr(self, "state", "dead"),
        [(0, ("clone", ["pid"])), (1, ("clone", [])), (1, ("exit", 0))]),
    "any directory can be a root": (
        model.Process, "pivot_root", lambda self, new, old: None, [(0, ("pivot", "/a", "/a/x"))]),
    "an orphan has no new parent": (
        model.Process, "getppid", lambda self: 0, [(0, ("clone", []))]),
}


SITUATIONS: dict[str, list[Any]] = {  # rules that random steps reach too rarely
    "a mount namespace, without CAP_SYS_CHROOT": PLANTS[
        "a mount namespace is entered without CAP_SYS_CHROOT"][3],
    "read-only is locked for another user namespace": [
        (0, ("tmpfs", "/a", "ro")), (0, ("clone", ["user", "mnt"])), (1, ("remount", "/a", ""))],
    "a read-only /proc begets only such": [
        (0, ("remount", "/proc", " ro")), (0, ("clone", ["user", "mnt", "pid"])),
        (1, ("proc", "/a", "")), (1, ("proc", "/b", "ro")), (1, ("remount", "/b", ""))],
    "a process with more capabilities": [
        (0, ("clone", [])), (1, ("drop", "SYS_PTRACE")), (1, ("setns", 1, "uts")),
        (0, ("setns", 2, "uts"))],
    "privileged ports": [
        (0, ("drop", "NET_BIND_SERVICE")), (0, ("bind", 1023)), (0, ("bind", 1024))],
    "user namespaces nest": [
        (0, ("unshare", ["user"])), (0, ("map_ids", 1, ((0, 0, 1),)))] * 34,
    "the longest hostname": [(0, ("sethostname", "z" * 64)), (0, ("sethostname", "z" * 65))],
    "no user namespace in a chroot": [
        (0, ("chroot", "/a")), (0, ("clone", ["user"])), (0, ("clone", ["uts"]))],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_situation(helper: linux.Helper, situation: str) -> None:
    run(SITUATIONS[situation], helper)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_wrong_rule_in_the_model_is_noticed(
        helper: linux.Helper, monkeypatch: pytest.MonkeyPatch, plant: str) -> None:
    """Negative control: the steps agree with the true model and not with the wrong one."""
    where, name, wrong, sequence = PLANTS[plant]
    run(sequence, helper)
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(Mismatch):
        run(sequence, helper)
