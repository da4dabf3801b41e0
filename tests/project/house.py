"""The rules of the house, checked over a folder of sources: who may import whom, and sizes.

Every check is a function over a folder, so that a test can plant a fault in a copy and see it.
`python -m tests.project.house` prints what it finds, and the structure; `make lint` runs that.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# From the roof down; the rooms of one row are equals. Imports point only downward.
PLAN: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("tools",),
    ("",),                  # minihv/__init__.py, the front door
    ("chapters",),
    ("course",),
    ("cloud",),
    ("containers",),
    ("kvm",),
    ("net",),
    ("storage",),
    ("vmm",),
    ("devices",),
    ("guests",),
    ("asm",),
    ("hw",),
    ("errors",),
)
RANK = {room: len(PLAN) - row for row, rooms in enumerate(PLAN) for room in rooms}

# Below course/ and at the front door, these are imported only inside a function: a kernel that
# has only pure-Python wheels (a browser's) must be able to import everything there.
LAZY_ONLY = frozenset({"llvmlite", "threading", "subprocess", "multiprocessing"})

LONG_FILE = 250         # lines; reported, not enforced: tables may be longer
PACKAGE_LINES = 1_500   # lines of Python in a package (without the packages in it)
# What has outgrown that, with the size that it has: it may shrink, not grow. Lower these.
GROWN = {"course": 1_680, "asm": 2_140}
# These count with all that lies in them, and may grow only by what a new mechanism needs. A line
# per mechanism says how much it may add to the three together:
CORE = ("hw", "devices", "vmm")
CORE_GROWN = sum({
    "the machine and the hypervisor": 9_600,
    "faults mended: a HOME that cannot be written, superpage fences, HSM suspend, polling": 30,
    "Svadu and Svinval": 50,
    "the board as a list of parts": 70,
    "layers as protocols, protected frames, which hart runs which VCPU": 220,
    "fences that visit what they drop, turns by the host's time, VMs that go in time": 190,
    "stencils, loops by LLVM, their cache, stores beside code, hotness by looks": 1_010,
    "the machine's source as LLVM IR of our own, its functions called from Python": 620,
}.values())  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One import: `module` in full, and its line.

    at_import: whether it runs when its file is imported. for_types: whether only a type checker
    ever sees it.
    """

    module: str
    at_import: bool
    line: int
    for_types: bool = False


def _in_full(node: ast.ImportFrom, package: list[str]) -> str:
    """The absolute name of what a `from` statement imports from, inside `package`."""
    if not node.level:
        return node.module or ""
    base = package[: len(package) - node.level + 1]
    return ".".join(base + ([node.module] if node.module else []))


def _named_modules(node: ast.AST, package: list[str]) -> list[str]:
    """The modules that one node imports; `from a import b` may mean the module a.b or a name."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        origin = _in_full(node, package)
        return [f"{origin}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports(source: str, package: list[str]) -> Iterator[Import]:
    """Every import in `source`, which stands in `package`, wherever it is nested."""

    def visit(node: ast.AST, at_import: bool, for_types: bool) -> Iterator[Import]:
        for module in _named_modules(node, package):
            yield Import(module, at_import, getattr(node, "lineno", 0), for_types)
        lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = for_types or _is_type_checking(node)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, at_import and not lazy and not for_types, for_types)

    yield from visit(ast.parse(source), True, False)


def room_of(parts: list[str]) -> str:
    """The room that a dotted name below minihv lies in; names of the front door give ""."""
    return parts[1] if len(parts) > 1 and parts[1] in RANK else ""


def _judge(found: Import, room: str) -> str | None:
    """What is wrong with an import in `room`, or None."""
    parts = found.module.split(".")
    if parts[0] != "minihv":
        light = RANK[room] < RANK["course"] or room == ""
        if light and found.at_import and parts[0] in LAZY_ONLY:
            return f"imports {parts[0]} when imported: move it into the function that needs it"
        return None
    if parts[1:2] == ["__version__"]:
        return None
    target = room_of(parts)
    if target == room or RANK[target] < RANK[room]:
        return None
    return f"imports {found.module}, which lies above or beside {room}: have it handed in instead"


def wrong_imports(folder: Path) -> list[str]:
    """Each import below `folder`/minihv that breaks the plan, as `file:line: what is wrong`."""
    wrong = []
    for path in sorted((folder / "minihv").rglob("*.py")):
        parts = list(path.relative_to(folder).with_suffix("").parts)
        package = parts[:-1]
        room = parts[1] if parts[1] != "__init__" else ""
        where = path.relative_to(folder).as_posix()
        if room not in RANK:
            wrong.append(f"{where}:1: {room} has no place in the plan: add it to PLAN in house.py")
            continue
        for found in imports(path.read_text(encoding="utf-8"), package):
            complaint = _judge(found, room)
            if complaint:
                wrong.append(f"{where}:{found.line}: {complaint}")
    return wrong


def _module_name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def arrows(folder: Path) -> dict[str, set[str]]:
    """Return for each module of minihv the modules that it imports, anywhere but for types only."""
    paths = {_module_name(path, folder): path for path in sorted((folder / "minihv").rglob("*.py"))}
    found: dict[str, set[str]] = {}
    for name, path in paths.items():
        package = list(path.relative_to(folder).parts[:-1])
        targets = found[name] = set()
        for one in imports(path.read_text(encoding="utf-8"), package):
            # `from a import b` names a.b; if that is no module, a is meant.
            target = one.module if one.module in paths else one.module.rpartition(".")[0]
            if target in paths and target != name and not one.for_types:
                targets.add(target)
    return found


def circles(folder: Path) -> list[str]:
    """Return the circles of imports, each as a line; a file in several is named in one only."""
    graph, found = arrows(folder), []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            ring = path[path.index(name) :]
            if not any(set(ring) & set(known) for known in found):
                found.append([*ring, name])
        elif name not in done:
            for target in sorted(graph[name]):
                visit(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return [f"imports run in a circle: {' > '.join(ring)}" for ring in found]


def structure(folder: Path) -> list[str]:
    """Return the house as text: each room with its lines, and the rooms that it imports."""
    rooms: dict[str, int] = {}
    for name, lines in lengths(folder).items():
        room = name.split("/")[1].removesuffix(".py")
        rooms[room] = rooms.get(room, 0) + lines
    uses: dict[str, set[str]] = {room: set() for room in rooms}
    for name, targets in arrows(folder).items():
        room = (name.split(".") + ["__init__"])[1]
        uses[room] |= {(target.split(".") + ["__init__"])[1] for target in targets} - {room}
    order = sorted(rooms, key=lambda room: -RANK.get("" if room == "__init__" else room, 0))
    return [f"{room:12} {rooms[room]:6}  {' '.join(r for r in order if r in uses[room])}".rstrip()
            for room in order]


def careless_errors(folder: Path) -> list[str]:
    """Where minihv hides an error, or raises one that no caller can tell apart or catch by name."""
    wrong = []
    for path in sorted((folder / "minihv").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            complaint = _careless(node)
            if complaint:
                where = path.relative_to(folder).as_posix()
                wrong.append(f"{where}:{getattr(node, 'lineno', 0)}: {complaint}")
    return wrong


def _careless(node: ast.AST) -> str | None:
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        return "bare except: name the errors"
    if isinstance(node, ast.Raise) and node.exc is not None:
        call = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(call, ast.Name) and call.id in ("Exception", "BaseException"):
            return f"raises {call.id}: raise a MinihvError or ValueError that names what is wrong"
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] + [getattr(node, "module", None)]
        if "traceback" in names:
            return "imports traceback: a user gets one clear line instead"
    return None


def lengths(folder: Path) -> dict[str, int]:
    """Lines of each Python file of minihv, by its path from `folder`; pictures do not count."""
    texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8")
             for path in sorted((folder / "minihv").rglob("*.py"))}
    return {name: len(text.splitlines()) - picture(text) for name, text in texts.items()}


def picture(text: str) -> int:
    """How many lines of a file's docstring draw something: those that are indented."""
    drawn = ast.get_docstring(ast.parse(text), clean=False) or ""
    return sum(line.startswith("    ") for line in drawn.splitlines())


def long_files(folder: Path) -> list[str]:
    """A report, longest first: the files above LONG_FILE lines."""
    by_length = sorted(lengths(folder).items(), key=lambda item: -item[1])
    return [f"{name}: {lines} lines" for name, lines in by_length if lines > LONG_FILE]


def oversized(folder: Path) -> list[str]:
    """The packages that outgrew their limit."""
    totals: dict[str, int] = {}
    for name, lines in lengths(folder).items():
        room = "/".join(name.split("/")[1:-1])
        if room.split("/")[0] in CORE:
            room = room.split("/")[0]       # the core counts with all that lies in it
        if room:
            totals[room] = totals.get(room, 0) + lines
    core = sum(totals.pop(room, 0) for room in CORE)
    grown = []
    for room, lines in totals.items():
        most = GROWN.get(room, PACKAGE_LINES)
        if lines > most:
            grown.append(f"{room}: {lines} lines of at most {most}")
    if core > CORE_GROWN:
        grown.append(f"{' + '.join(CORE)}: {core} lines of at most {CORE_GROWN}")
    return grown


def main() -> int:
    """Print faults, the structure and the long files; return 1 if there are faults."""
    folder = Path(__file__).parents[2]
    faults = wrong_imports(folder) + circles(folder) + careless_errors(folder) + oversized(folder)
    print(*faults, sep="\n", end="\n" if faults else "")
    print("room          lines  imports", *structure(folder), sep="\n")
    longest = long_files(folder)
    print(f"files above {LONG_FILE} lines: {'; '.join(longest) or 'none'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
