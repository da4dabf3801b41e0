"""Exercise 15.3: containers with one planted leak each; find out which, by system calls.

A seed makes a dozen containers on the model kernel. Each is made by a recipe in which one defence
was forgotten, or none. The learner's function gets the container's first process and the host's.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.containers import model
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

# Each leak, and the sentence that explains it to whoever missed it.
LEAKS = {
    "propagation": "missed_propagation", "descriptor": "missed_descriptor",
    "old root": "missed_old_root", "chroot": "missed_chroot", "proc": "missed_proc",
    "pid": "missed_pid", "net": "missed_net", "mknod": "missed_mknod", "reaper": "missed_reaper",
    "none": "missed_none",
}
KINDS = ["uts", "pid", "mnt", "ipc", "net", "cgroup"]
Recipe = dict[str, Any]


@dataclass(frozen=True)
class Suspect:
    """A container: how it was made, and what is wrong with it."""

    recipe: Recipe
    leak: str

    def start(self) -> tuple[Any, Any]:
        """(the container's first process, the host's), on a fresh kernel."""
        return start(self.recipe)


def make(rng: Random) -> list[Suspect]:
    """Each leak once, two healthy ones, in random order."""
    leaks = [*LEAKS, "none"]
    rng.shuffle(leaks)
    return [Suspect(recipe(leak, rng), leak) for leak in leaks]


def recipe(leak: str, rng: Random) -> Recipe:
    """What the runtime does, with `leak` planted; the rest differs by chance."""
    kinds = [k for k in KINDS if k not in {"pid": ["pid"], "net": ["net"]}.get(leak, [])]
    steps: list[list[Any]] = [["opendir", "/decoy"]]
    steps += [] if leak == "propagation" else [["mount", None, "/", "",
                                                rng.choice(["rec private", "rec slave"])]]
    steps += [["mount", "box", "/box", "tmpfs"], ["mkdir", "/box/proc"], ["mkdir", "/box/tmp"]]
    old = rng.choice(["old", "mnt", "pivot"])
    steps += [["mkdir", f"/box/{old}"]]
    steps += [["mount", "/proc", "/box/proc", "", "bind"]] if leak == "proc" else []
    if leak in ("chroot", "propagation"):  # pivot_root refuses to work on shared mounts
        steps += [["chroot", "/box"], ["chdir", "/"]]
        steps += [] if leak == "chroot" else [["mount", "x", "/tmp", "tmpfs"]]
    else:
        steps += [["chdir", "/box"], ["pivot_root", ".", old], ["chdir", "/"]]
        steps += [] if leak == "old root" else [["umount", f"/{old}", "lazy"]]
    steps += [] if leak == "proc" else [["mount", "proc", "/proc", "proc"]]
    steps += [] if leak == "descriptor" else [["close_handles"]]
    steps += [["sethostname", f"box{rng.randrange(100)}"]]
    steps += [["drop", "MKNOD"]] if leak != "mknod" else []
    return {"kinds": kinds, "steps": steps, "others": rng.randrange(2, 5),
            "orphans": rng.randrange(3, 6), "reaps": leak != "reaper",
            "shared": leak == "propagation" or rng.random() < 0.5}


def start(made: Recipe) -> tuple[Any, Any]:
    """Follow a recipe on a fresh kernel: (the container's first process, the host's)."""
    kernel = model.Kernel(dirs=("box", "decoy"))
    host = kernel.init
    host.write("/decoy/secret", "found")
    host.bind(22)
    if made["shared"]:
        host.mount(None, "/", "", "rec shared")
    for _ in range(made["others"]):
        host.clone()
    box = host.clone(*made["kinds"])
    for name, *arguments in made["steps"]:
        getattr(box, name)(*arguments)
    for _ in range(made["orphans"]):
        child = box.clone()
        child.exit()
        if made["reaps"]:
            box.wait()
    return box, host


def ask(suspects: list[Suspect]) -> list:
    """The recipes."""
    return [suspect.recipe for suspect in suspects]


def put(call: Any, answers: Any, asked: Any) -> list:
    """What the learner's function says of each container."""
    return [call(answers[0], *start(made)) for made in asked]


def judge(outcomes: list, suspects: list[Suspect]) -> Verdict:
    """The first container that was misjudged."""
    if len(outcomes) != len(suspects):
        return wrong("handback")
    for number, (outcome, suspect) in enumerate(zip(outcomes, suspects, strict=True), 1):
        bad = trouble(outcome)
        if bad is not None:
            known = bad.key in ("error", "odd")
            return wrong(f"{bad.key}_at", number=number, **bad.values) if known else bad
        said = outcome[1]
        if type(said) is not str or said not in LEAKS:
            return wrong("no_such_leak", said=repr(said)[:60], number=number,
                         known=", ".join(LEAKS))
        if said != suspect.leak:
            return wrong(LEAKS[suspect.leak], said=said, number=number)
    return Verdict(True, "passed", {"count": len(suspects)})
