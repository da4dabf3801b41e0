"""What the learner did so far, in one small JSON file that the learner can read and delete.

It is at $MINIHV_STATE, else in the user's data folder; never in the project. Writes replace the
file in one step under a lock, so that notebooks may share it. A file that cannot be read is kept
aside, never overwritten.

    {"version": 1,
     "exercises": {"01.2": {"attempts": 3, "hints": 1, "points": 4}},
     "predictions": {"01.references": {"guess": 3, "measured": 3}}}
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minihv.course.texts import say

VERSION = 1
# How to bring a state of version N to N + 1; applied in turn.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

State = dict[str, Any]
_unsaved: State | None = None  # the state, once a write has failed


class _Unreadable(Exception):
    """The file holds no state that this version understands; says why."""


def path() -> Path:
    """Return where the state is kept."""
    chosen = os.environ.get("MINIHV_STATE")
    if chosen:
        return Path(chosen).expanduser()
    return _data_folder() / "minihv" / "progress.json"


def _data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def load() -> State:
    """Return the state; a new one if there is none. Damage is reported once and put aside."""
    if _unsaved is not None:
        return _unsaved
    try:
        return _read()
    except OSError:
        return _new()


def update(change: Callable[[State], None]) -> None:
    """Apply `change` to the state and save it.

    Where that fails, say so once; from then on this process keeps its state in memory.
    """
    global _unsaved
    if _unsaved is not None:
        change(_unsaved)
        return
    state = None
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        with _locked():
            state = _read()
            change(state)
            _write(state)
    except OSError as error:
        _tell("unsaved", path=path(), why=error.strerror or error)
        if state is None:
            state = _new()
            change(state)
        _unsaved = state


def forget() -> None:
    """Delete all of it: predictions, attempts, hints, progress."""
    global _unsaved
    _unsaved = None
    path().unlink(missing_ok=True)
    _lock_path().unlink(missing_ok=True)


def note(kind: str, name: str, **facts: Any) -> None:
    """Set facts about one exercise or prediction."""
    update(lambda state: state[kind].setdefault(name, {}).update(facts))


def about(kind: str, name: str) -> dict[str, Any]:
    """Return what is known about one exercise or prediction."""
    return load()[kind].get(name, {})


def _new() -> State:
    return {"version": VERSION, "exercises": {}, "predictions": {}}


def _read() -> State:
    """Return the state in the file; OSError if the file is there and cannot be read."""
    try:
        return _understood(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _new()
    except (UnicodeDecodeError, _Unreadable) as error:
        return _put_aside(str(error))


def _understood(text: str) -> State:
    """Return the state in `text`, brought to this version."""
    try:
        state = json.loads(text)
    except ValueError as error:
        raise _Unreadable(str(error)) from None
    version = state.get("version") if type(state) is dict else None
    if type(version) is not int:
        raise _Unreadable("it has no version")
    if version > VERSION:
        raise _Unreadable(f"its version is {version}, and this minihv knows {VERSION}")
    while version < VERSION:
        state = UPGRADES[version](state)
        version += 1
        state["version"] = version
    for kind in ("exercises", "predictions"):
        entries = state.setdefault(kind, {})
        if type(entries) is not dict or any(type(e) is not dict for e in entries.values()):
            raise _Unreadable(f"{kind} is not a table of tables")
    return state


def _put_aside(why: str) -> State:
    """Move the damaged file out of the way, under a name that is free, and start anew."""
    damaged, number = path(), 1
    while (aside := damaged.with_name(f"{damaged.stem}.damaged-{number}.json")).exists():
        number += 1
    damaged.replace(aside)
    _tell("damaged", path=damaged, aside=aside, why=why)
    return _new()


def _write(state: State) -> None:
    temporary = path().with_name(f".{path().name}.{os.getpid()}.tmp")
    try:
        text = json.dumps(state, indent=1, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path())
    finally:
        temporary.unlink(missing_ok=True)


def _lock_path() -> Path:
    return path().with_name(f".{path().name}.lock")


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock, where the system has advisory locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with _lock_path().open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tell(key: str, **values: Any) -> None:
    print(say("state", key, **values), file=sys.stderr)
