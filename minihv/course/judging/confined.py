"""Where somebody else's notebook runs: the course's own container, another one for each notebook.

    /usr, Python, its packages   of the host, for reading only
    /course/minihv               a copy without checks, judge or solutions
    /cache                       a copy of the compiled machine: a layer, so changes are thrown away
    /home/learner                empty

Leaks are closed by absence: what decides is not there, nor are the host's processes, network and
environment. Of the ids, root gives another one than its own, and an ordinary user the one that it
has, in a user namespace. Files go into a memory of bounded size, which ends with the container.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minihv.containers import words
from minihv.containers.images import Image, Store
from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.runtime import records
from minihv.containers.linux.runtime.session import Container, Session
from minihv.containers.linux.runtime.spec import make_spec
from minihv.course.judging.kernel import Kernel, KernelError, Process, Start
from minihv.course.texts import say
from minihv.errors import ConfigError, MinihvError

PACKAGE = Path(__file__).parents[2]
ROOT = PACKAGE.parent  # of the course, where it is a checkout
HIDDEN = {"course": {"books", "verdicts.py"}, "chapters": {"checks"}}
KEPT = {"__init__.py", "cells.py"}  # of this folder
PREFIX = "minihv-judge-"
LEARNER = 1000  # the id inside, where there is more than one
MEMORY, PROCESSES = 3 << 30, 128
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SITES = ("site-packages", "dist-packages")
BOOT = """
import builtins, sys
sys.path[:0] = {paths!r}
from minihv.course.judging.cells import main
main()
"""


class Rooms:
    """What the containers of one judgement share; close() removes it."""

    def __init__(self) -> None:
        sweep()
        self.sites = [p for p in sys.path if os.path.basename(p) in SITES and os.path.isdir(p)]
        self.python = os.path.realpath(sys.executable)
        # Its name says that it may be swept only once it is locked.
        new = Path(tempfile.mkdtemp(prefix="minihv-new-"))
        self.lock = records.claim(new) or -1
        self.folder = new.rename(new.with_name(PREFIX + new.name.rpartition("-")[2]))
        self.base, self.store = self.folder / "base", Store(self.folder / "store")
        try:
            self.folder.chmod(0o755)  # who root is inside must pass
            self.store.home.mkdir()
            self._fill()
            self.trees = self._trees()
            for _, place in self.trees:
                (self.base / place[1:]).mkdir(parents=True, exist_ok=True)
            if os.getuid() == 0:
                self._give_away()
        except BaseException:
            self.close()
            raise

    def _fill(self) -> None:
        """Make the layer."""
        self.base.mkdir()
        for name in ("course", "home/learner", "cache", "etc", "empty", "tmp", "proc", "dev"):
            (self.base / name).mkdir(parents=True, mode=0o755)
        (self.base / "tmp").chmod(0o1777)
        (self.base / "etc/passwd").write_text(f"learner:x:{LEARNER}:{LEARNER}::/home/learner:\n")
        for path in SYSTEM:
            if os.path.islink(path):
                os.symlink(os.readlink(path), self.base / path[1:])
        if os.path.isfile("/etc/ld.so.cache"):
            shutil.copy("/etc/ld.so.cache", self.base / "etc")
        shutil.copytree(PACKAGE, self.base / "course/minihv", ignore=_ignored)
        compiled = _compiled()
        for file in compiled:
            target = self.base / "cache" / file.relative_to(compiled[0].parent)
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(file, target)

    def _give_away(self) -> None:
        """Let ids that exist inside own it all: overlayfs copies up no file of an unknown owner."""
        first = words.SUBORDINATE[0]
        learners = [str(self.base / name) for name in ("home/learner", "cache")]
        for folder, _, files in os.walk(self.base):
            owner = first + LEARNER * _within(folder, learners)
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, owner, owner, follow_symlinks=False)

    def _trees(self) -> tuple[tuple[str, str], ...]:
        """Return what is shown of the host, and what of that is covered again."""
        wanted = ["/usr", sys.base_prefix, *self.sites]
        wanted += [path for path in ("/nix/store", "/etc/alternatives") if os.path.isdir(path)]
        wanted += [path for path in SYSTEM if os.path.isdir(path) and not os.path.islink(path)]
        shown: list[str] = []
        for path in sorted(set(wanted), key=len):
            if not _within(path, shown):
                shown.append(path)
        if not _within(self.python, shown):
            raise KernelError(f"{self.python} is not below {sys.base_prefix}")
        # A course that lies in one of these is covered, a checkout as a whole: its history, too.
        secret = [str(ROOT)] if (ROOT / "solutions").is_dir() else []
        secret += [path for path in (str(PACKAGE), *(f"{site}/minihv" for site in self.sites))
                   if os.path.isdir(path) and not _within(path, secret)]
        covered = [path for path in secret if _within(path, shown)]
        again = [path for path in wanted if _within(path, covered)]
        return (*((os.path.realpath(path), path) for path in shown),
                *((str(self.base / "empty"), path) for path in covered),
                *((os.path.realpath(path), path) for path in again))

    def start(self, reader: int, writer: int) -> Process:
        """Start a container that reads from one descriptor and writes to another."""
        paths = ["/course", *self.sites]
        image = Image(
            "submission", [], cwd="/home/learner", user=str(LEARNER) if os.getuid() == 0 else "",
            cmd=(self.python, "-I", "-S", "-B", "-c", BOOT.format(paths=paths)),
            env={"HOME": "/home/learner", "MINIHV_CACHE": "/cache", "MINIHV_JUDGED": "1",
                 "MINIHV_CONTAINERS": "model", "LANG": "C.UTF-8",
                 "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"})
        spec = make_spec(self.store, image, memory=MEMORY, pids=PROCESSES, rootless=True,
                         hostname="submission", trees=self.trees, remove=True)
        session = Session(self.store)
        try:
            box = session.start(spec | {"lowers": [str(self.base)]}, writer, reader)
        except BaseException:
            session.close()
            raise
        return Confined(session, box)

    def close(self) -> None:
        """Remove it all."""
        records.delete(self.folder)
        os.close(self.lock)


def sweep() -> None:
    """Remove what judges left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
                continue
            if (lock := records.claim(folder)) is not None:
                records.sweep(folder / "store")
                records.delete(folder)
                os.close(lock)


class Confined:
    """A container that runs cells."""

    def __init__(self, session: Session, box: Container):
        self.session, self.box = session, box

    def interrupt(self) -> None:
        """Send SIGINT, which its init passes on."""
        with suppress(OSError):  # it has ended
            self.box.kill(signal.SIGINT)

    def kill(self) -> None:
        """Send SIGKILL to its init, with which all in it ends."""
        with suppress(OSError):
            self.box.kill()

    def close(self) -> None:
        """End it with all that is in it."""
        self.session.close()


@contextmanager
def shut() -> Iterator[None]:
    """Let nobody with our id look into this process or its dump meanwhile: it knows the seeds."""
    before = sc.dumpable()
    sc.prctl(sc.PR_SET_DUMPABLE, 0)  # which also keeps it from leaving a core
    try:
        yield
    finally:
        sc.prctl(sc.PR_SET_DUMPABLE, before)


def _within(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)


def _ignored(folder: str, names: list[str]) -> set[str]:
    """Return what of a folder of the package a submission does not get."""
    where = Path(folder).relative_to(PACKAGE).parts
    if where == ("course", "judging"):
        return {*names} - KEPT
    hidden = HIDDEN.get(where[0], set()) if where else set()
    return {name for name in names if name in hidden} | {"__pycache__"} & {*names}


def _compiled() -> list[Path]:
    """Return the files of the compiled machine in the cache; compile it if they are not there."""
    from minihv.hw import engine, stencils
    from minihv.hw.warmup import warm
    from minihv.vmm.worldswitch import LIBRARY

    try:
        warm()
        LIBRARY.link()
        files = [*engine.MACHINE.files(), *LIBRARY.files(), stencils.file()]
        return [path for path in files if path.is_file()]
    except MinihvError:
        return []  # there is no LLVM: the plain engine runs, here and there


@contextmanager
def rooms() -> Iterator[Start]:
    """Yield what starts a container; ConfigError where this host allows none."""
    why = "" if sys.platform == "linux" else f"{sys.platform} is not Linux"
    if os.environ.get("MINIHV_CONTAINERS") == "model":
        why = "MINIHV_CONTAINERS asks for the model"
    if why:
        raise ConfigError(say("judge", "no_container", why=why))
    shared = None
    try:
        try:
            shared = Rooms()
            Kernel(shared.start).close()  # on trial
        except (MinihvError, OSError) as error:
            raise ConfigError(say("judge", "no_container", why=error)) from error
        with shut():
            yield shared.start
    finally:
        if shared:
            shared.close()
