"""Runs one sequence of system calls on the model and on the real kernel and compares all of it.

The real side lives in a throw-away world (linux.Kernel): its own eight namespaces with an empty
root, unused user ids and hard limits. Sequences name processes by index and paths from PATHS, so
nothing outside the world can be named.
"""

from __future__ import annotations

import errno
from typing import Any

from minihv.containers import linux, model
from minihv.containers.linux.kernel import freeze

DIRS = ("a", "a/x", "b", "b/x")
PATHS = ("/", "/a", "/b", "/a/x", "/b/x", "/proc", "/a/x/z")
MOST_PROCESSES = 6


class Mismatch(AssertionError):
    """Model and kernel disagree."""


class Pair:
    """One process on both sides."""

    def __init__(self, model_side: Any, real_side: Any):
        self.model, self.real = model_side, real_side


class Twins:
    """A model world and a real one that must stay alike."""

    def __init__(self, real: linux.Kernel):
        self.kernel = real
        self.model = model.Kernel([*real.uid_map], contained=True, dirs=DIRS)
        self.pairs = [Pair(self.model.init, real.init)]
        self.serial = 0
        self.log: list[str] = []
        self.clone(self.pairs[0])

    # ---- one step ---------------------------------------------------------------------------

    def living(self) -> list[Pair]:
        return [p for p in self.pairs if p.model.state == "running"]

    def clone(self, actor: Pair, *kinds: str) -> None:
        made = self.both("clone", actor, lambda p: p.clone(*kinds))
        if made:
            self.pairs.append(Pair(*made))

    def both(self, name: str, actor: Pair, call: Any, target: Pair | None = None) -> Any:
        """Make the call on both sides; equal outcome or Mismatch."""
        results: list[Any] = []
        errors: list[int] = []
        why = ""
        for side, other in ((actor.model, target and target.model),
                            (actor.real, target and target.real)):
            try:
                results.append(call(side, other) if target else call(side))
                errors.append(0)
            except ConnectionResetError:
                results.append(None)
                errors.append(0)
            except TimeoutError:
                raise
            except OSError as error:
                errors.append(error.errno or 0)
                why = why or str(error)
        self.log.append(f"{self.pairs.index(actor)}: {name} -> {errors} {why}")
        if errors[0] != errors[1]:
            said = [errno.errorcode.get(e, "ok") for e in errors]
            raise Mismatch(f"model says {said[0]}, Linux {said[1]} ({why})\n" + "\n".join(self.log))
        return results if not errors[0] else None

    def same(self, name: str, actor: Pair, call: Any) -> None:
        """A call whose result is compared too."""
        got = self.both(name, actor, call)
        if got:
            self.equal(name, freeze(got[0]), freeze(got[1]))

    def equal(self, what: str, ours: Any, theirs: Any) -> None:
        if ours != theirs:
            raise Mismatch(f"{what}:\n model {ours}\n Linux {theirs}\n" + "\n".join(self.log))

    # ---- comparing worlds ---------------------------------------------------------------------

    def compare(self, views: bool = True) -> None:
        """Who lives, and all that every living process sees."""
        for number, pair in enumerate(self.pairs):
            if pair.model.state == "running":
                self.equal(f"process {number}", "running", pair.real.state)
            elif pair.model.state in ("zombie", "dead"):
                self.equal(f"process {number} died", True, pair.real.wait_dead())
        if not views:
            return
        tasks = self.kernel.init.call("tasks")
        self.compare_tasks(tasks)
        names = Bijection(self)
        for number, pair in enumerate(self.pairs):
            if pair.model.state == "running":
                self.compare_views(number, pair.model.view(), pair.real.view(tasks), names)

    def compare_tasks(self, tasks: dict[str, Any]) -> None:
        """Every process of the world with its numbers, zombies included."""
        ours = {tuple(p.pids.values()): p.state == "zombie" for p in self.model.processes()}
        theirs = {tuple(pids): state in "ZX" for state, pids in tasks.values()}
        self.equal("processes", ours, theirs)

    def compare_views(self, number: int, ours: dict[str, Any], theirs: dict[str, Any],
                      names: Bijection) -> None:
        self.equal("views", sorted(ours), sorted(theirs))
        for key in ours:
            if key == "ns":
                self.equal("kinds", sorted(ours[key]), sorted(theirs[key]))
                for kind in ours[key]:
                    names.unify(f"{number} {kind}", ours[key][kind], theirs[key][kind])
            elif key == "mounts":
                a, b = tree(ours[key]), tree(theirs[key])
                self.equal(f"mounts of {number}", [r[:5] for r in a], [r[:5] for r in b])
                for x, y in zip(a, b, strict=True):
                    names.unify(f"{number} peers at {x[0]}", x[5], y[5])
                    names.unify(f"{number} master at {x[0]}", x[6], y[6])
            else:
                self.equal(f"{key} of {number}", ours[key], theirs[key])


class Bijection:
    """Names on the two sides (namespaces, peer groups) that must correspond one to one."""

    def __init__(self, twins: Twins):
        self.twins = twins
        self.there: dict[Any, Any] = {"": "", 0: 0}
        self.back: dict[Any, Any] = {"": "", 0: 0}

    def unify(self, what: str, ours: Any, theirs: Any) -> None:
        pair = (self.there.setdefault(ours, theirs), self.back.setdefault(theirs, ours))
        self.twins.equal(what, (theirs, ours), pair)


def tree(rows: Any) -> list[tuple[Any, ...]]:
    """Mounts in an order that both sides share: (path, type, source, root, ro, peers, master)."""
    numbers = {row[0] for row in rows}
    below: dict[Any, list[Any]] = {}
    for row in rows:
        below.setdefault(row[1] if row[1] in numbers else None, []).append(row)
    out = []

    def visit(parent: Any) -> None:
        for row in sorted(below.get(parent, []), key=lambda r: (r[2], r[3], r[4], r[5])):
            unbindable = "unbindable" if row[9] else ""
            out.append((row[2] + unbindable, *row[3:7], row[7], row[8]))
            visit(row[0])

    visit(None)
    return out
