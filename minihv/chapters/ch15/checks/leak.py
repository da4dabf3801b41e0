"""Exercise 15.3: containers with one planted leak each; find out which, by system calls.

A seed makes a dozen containers on the model kernel. Each is made by a recipe in which one defence
was forgotten, or none. The learner's function gets the container's first process and the host's.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.chapters.ch15.beside.boxes import Recipe, start
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong

# Each leak, and the sentence that explains it to whoever missed it.
LEAKS = {
    "propagation": "missed_propagation", "descriptor": "missed_descriptor",
    "old root": "missed_old_root", "chroot": "missed_chroot", "proc": "missed_proc",
    "pid": "missed_pid", "net": "missed_net", "mknod": "missed_mknod", "reaper": "missed_reaper",
    "none": "missed_none",
}
KINDS = ["uts", "pid", "mnt", "ipc", "net", "cgroup"]


@dataclass(frozen=True)
class Suspect:
    """A container: how it was made, and what is wrong with it."""

    recipe: Recipe
    leak: str

    def start(self) -> tuple[Any, Any]:
        """(the container's first process, the host's), on a fresh kernel."""
        return start(self.recipe)


def make(rng: Random) -> list[Suspect]:
    """Return each leak once, two healthy ones, in random order."""
    leaks = [*LEAKS, "none"]
    rng.shuffle(leaks)
    return [Suspect(recipe(leak, rng), leak) for leak in leaks]


def recipe(leak: str, rng: Random) -> Recipe:
    """Return what the runtime does, with `leak` planted; the rest differs by chance."""
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


def explain(got: Any, suspect: Suspect) -> Verdict:
    """Say what gives a leak away to whoever looks."""
    if type(got) is not str or got not in LEAKS:
        return wrong("no_such_leak", said=repr(got)[:60], known=", ".join(LEAKS))
    return wrong(LEAKS[suspect.leak], said=got)


EXERCISE = Exercise(
    id="15.3", minutes=45, difficulty=3, points=5, make=make,
    form=Cases(
        call=lambda suspect: [suspect.recipe],
        right=lambda suspect: suspect.leak,
        shape=object,
        explain=explain,
    ),
)  # fmt: skip
