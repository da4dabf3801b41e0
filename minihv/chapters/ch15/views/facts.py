"""What a process sees, as rows of plain data: one row for each kind of namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS = ("uts", "pid", "mnt", "net", "ipc", "user", "cgroup", "time")
EVERY = 2**32 - 1           # ids
SOME = 30                   # capabilities: whoever has more has nearly all
Row = dict[str, Any]        # kind -> {"value", "items", "whose", "own"}


def facts_of(seen: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, tuple[str, list[str]]]:
    """Of a process's `view()`: for each kind the one-line answer, and the whole of it as a list."""
    mounts = [mount_line(row) for row in seen["mounts"]]
    maps = [words["same_ids"] if (a, b) == (0, 0) and n >= EVERY else
            words["map"].format(inside=a, outside=b, count=n) for a, b, n in seen["uid_map"]]
    numbers = ", ".join(map(str, seen["processes"]))
    caps = seen["caps"]
    named = ", ".join(caps) if len(caps) <= SOME else words["all"]
    return {
        "uts": (seen["hostname"], []),
        "pid": (words["pid"].format(pid=seen["pid"], count=len(seen["processes"])),
                [words["processes"].format(numbers=numbers),
                 words["pids"].format(numbers=" → ".join(map(str, seen["pids"])))]),
        "mnt": (words["mnt"].format(count=len(mounts)), mounts),
        "net": (", ".join(seen["links"]), []),
        "ipc": (words["ipc"].format(count=len(seen["queues"])),
                [words["queue"].format(key=key) for key in seen["queues"]]),
        "user": (words["user"].format(uid=seen["uid"], count=len(caps)),
                 [*maps, words["caps"].format(names=named or words["none"])]),
        "cgroup": ("", []), "time": ("", []),
    }


def mount_line(row: Any) -> str:
    """Return one mount: path, type, what shows, read-only, and how it propagates."""
    _, _, path, fstype, source, _, read_only, peers, master, unbindable = row
    flags = [name for name, is_so in (("ro", read_only), ("shared", peers), ("slave", master),
                                      ("unbindable", unbindable)) if is_so]
    return f"{path}  {fstype} {source}" + (f"  ({', '.join(flags)})" if flags else "")


def rows_of(processes: Mapping[str, Any], words: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a column for each process: its name and rows; a dead one has no rows. Namespaces are
    compared by identity: each is called after the first column that is in it."""
    columns: list[dict[str, Any]] = []
    first: dict[tuple[str, Any], str] = {}
    for name, process in processes.items():
        if process.state != "running":
            columns.append({"name": name, "alive": False, "rows": {}})
            continue
        seen = process.view()
        rows = {}
        for kind, (value, items) in facts_of(seen, words).items():
            whose = first.setdefault((kind, seen["ns"][kind]), name)
            own = whose == name and bool(columns)
            said = words["own"] if own else words["whose"].format(name=whose)
            rows[kind] = {"value": value, "items": items, "own": own,
                          "whose": said if columns else words["here"]}
        columns.append({"name": name, "alive": True, "rows": rows})
    return columns


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Mark in `after` each row that says something else than in the column of that name before."""
    old = {column["name"]: column["rows"] for column in before}
    for column in after:
        was = old.get(column["name"])
        for kind, row in column["rows"].items():
            then = was.get(kind) if was else row
            row["new"] = then is None or any(then[k] != row[k] for k in ("value", "items", "own"))
