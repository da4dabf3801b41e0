"""Behind chapter 15: judges that nothing upsets, instances that are fair."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from minihv.chapters.ch15.beside import hosts
from minihv.chapters.ch15.checks import leak, rights, root, shares
from minihv.containers import linux
from minihv.containers.model import UserNamespace
from minihv.course.exercise import exercise
from minihv.course.verdicts import decide
from minihv.errors import MinihvError

NUMBERS = ("15.1", "15.2", "15.3", "15.4")
LENGTHS = {"15.1": 200, "15.2": 3, "15.3": 11, "15.4": 12}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("value", [
    None, [], {}, "none", True, -1, 1.5, [["mount"]], [["mount", None, None]], [["exit"]],
    [["mount", "x", "/", "overlay", "", ""]], [["mount", "x", "/", "overlay", "", "lowerdir=/"]],
    [["chdir", 5]], [["__class__"]], [["pivot_root", "..", ".."]], "x" * 10_000, [0.5, 0.5]])
def test_no_reply_upsets_a_judge(number: str, value: Any):
    one = exercise(number)
    made = one.instance(1)
    count = len(made.cases) if number == "15.1" else LENGTHS[number]
    verdict = decide(one, [["value", value]] * count, made)
    assert not verdict.ok and verdict.text(number)


@pytest.mark.parametrize("seed", range(20))
def test_each_family_turns_on_every_rule(seed: int):
    family = rights.make(Random(seed))
    betrayed = {"one_level_only", "not_nobody"}     # by how an answer was found
    assert {case.rule for case in family.cases} == set(rights.RULES) - betrayed
    answers = [case.answer for case in family.cases if case.what == "capable"]
    assert 8 <= answers.count(True) <= len(answers) - 8


def test_a_wrong_rule_in_the_model_would_change_the_answers(monkeypatch: pytest.MonkeyPatch):
    """The answers are computed, not written down."""
    before = rights.make(Random(1))
    monkeypatch.setattr(UserNamespace, "to_kernel", lambda self, uid: uid)
    assert rights.make(Random(1)).cases != before.cases


@pytest.mark.parametrize("seed", range(20))
def test_each_mistake_about_shares_shows(seed: int):
    rivals = shares.make(Random(seed))
    told = [[mistake(one) for one in rivals] for mistake in shares.MISTAKES.values()]
    right = [one.shares for one in rivals]
    for n, one in enumerate(told):
        assert not all(map(shares.alike, one, right))
        assert not any(all(map(shares.alike, one, other)) for other in told[n + 1:])


def test_every_leak_is_planted_and_two_are_sound():
    for seed in range(10):
        leaks = [suspect.leak for suspect in leak.make(Random(seed))]
        assert set(leaks) == set(leak.LEAKS) and leaks.count("none") == 2


def test_hosts_are_shared_and_private():
    tasks = root.make(Random(3))
    assert {task.shared for task in tasks} == {True, False}
    for task in tasks:
        kernel, box = task.start()
        rows = kernel.init.view()["mounts"]
        assert all(bool(row[7]) == task.shared for row in rows)
        assert box.view()["pid"] == 1


def test_the_reference_container_is_the_same_on_the_real_kernel():
    """The calls of exercise 15.2 do on Linux what they do on the model."""
    from tests.answers.variants import variant

    build_root = variant("15.2")["build_root"]
    task = root.make(Random(5))[0]
    kernel, box = task.start()
    build_root(box, task.layers)
    try:
        world = linux.Kernel(dirs=("box", "image"))
    except MinihvError as error:
        pytest.skip(str(error))
    with world:
        host = world.init
        for layer in task.layers:
            for path in (layer, f"{layer}/proc", f"{layer}/etc"):
                host.mkdir(path)
            for name, text in task.files[layer].items():
                host.write(f"{layer}/etc/{name}", text)
        host.mount(None, "/", "", "rec shared")
        real = host.clone(*hosts.KINDS)
        try:
            build_root(Userxattr(real), task.layers)
        except OSError as error:
            pytest.skip(f"no overlay in a user namespace here: {error}")
        for path in ("/", "/etc", "/proc"):
            assert real.listdir(path) == box.listdir(path)
        assert real.read("/etc/motd") == box.read("/etc/motd")
        assert [row[2:4] for row in real.view()["mounts"]] == [
            row[2:4] for row in box.view()["mounts"]]


class Userxattr:
    """Adds the option that an overlay of a world needs."""

    def __init__(self, process: Any):
        self.process = process

    def __getattr__(self, name: str) -> Any:
        return getattr(self.process, name)

    def mount(self, source: Any, target: str, fstype: str = "", flags: str = "",
              data: str = "") -> None:
        more = ",userxattr" if fstype == "overlay" else ""
        self.process.mount(source, target, fstype, flags, data + more)
