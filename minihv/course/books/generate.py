"""From solutions/ to exercises/: take out what the learner is to write. `make exercises`.

Follows nbgrader, so that teachers can use solutions/ as its source: a region between lines with
BEGIN SOLUTION and END SOLUTION becomes a stub, one between BEGIN HIDDEN TESTS and END HIDDEN TESTS
disappears, the metadata of a cell says which of these it may hold, and what learners must not
delete is locked.
"""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from minihv.course.books.notebooks import NotebookError, chapter_of, load
from minihv.course.texts import say
from minihv.errors import MinihvError

ROOT = Path(__file__).parents[3]  # of the project's source
SOLUTIONS, EXERCISES = "solutions", "exercises"
STUBS = {"code": "# YOUR CODE HERE\nraise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}


class MarkerError(MinihvError):
    """A solution notebook whose markers do not fit together."""


def exercise_notebook(solution: dict[str, Any]) -> dict[str, Any]:
    """Return a solution's exercise; MarkerError names the cell whose markers are wrong."""
    notebook = deepcopy(solution)
    for number, cell in enumerate(notebook["cells"], 1):
        try:
            _strip(cell)
        except MarkerError as error:
            raise MarkerError(f"cell {number}: {error}") from None
        _lock(cell)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["metadata"].pop("execution", None)
    notebook["metadata"].pop("widgets", None)
    return notebook


def _strip(cell: dict[str, Any]) -> None:
    """Take solutions and hidden tests out of a cell's source."""
    marks = cell["metadata"].get("nbgrader", {})
    source = "".join(cell["source"])
    stub = STUBS.get(cell["cell_type"], STUBS["markdown"])
    shown, replaced = _without(source, "SOLUTION", stub)
    if replaced and not marks.get("solution"):
        raise MarkerError("BEGIN SOLUTION in a cell whose metadata does not say solution")
    if marks.get("solution") and not replaced:
        shown = stub
    shown, hidden = _without(shown, "HIDDEN TESTS", "")
    if hidden and not marks.get("grade"):
        raise MarkerError("BEGIN HIDDEN TESTS in a cell whose metadata does not say grade")
    cell["source"] = shown.splitlines(keepends=True)


def without_hidden_tests(source: str) -> str:
    """Return a cell's source without its hidden tests; MarkerError for one without an end."""
    return _without(source, "HIDDEN TESTS", "")[0]


def _without(source: str, what: str, stub: str) -> tuple[str, bool]:
    """`source` with each region of this kind replaced by `stub`, indented like its first line."""
    lines: list[str] = []
    inside = found = False
    for line in source.split("\n"):
        if f"BEGIN {what}" in line:
            if inside:
                raise MarkerError(f"BEGIN {what} inside BEGIN {what}")
            inside = found = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part for part in stub.split("\n") if stub]
        elif f"END {what}" in line:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise MarkerError(f"BEGIN {what} without END {what}")
    return "\n".join(lines), found


def _lock(cell: dict[str, Any]) -> None:
    """Say which cells may not be deleted, and which of these not edited."""
    marks = cell["metadata"].get("nbgrader", {})
    if any(marks.get(kind) for kind in ("solution", "grade", "locked")):
        cell["metadata"]["deletable"] = False
        if not marks.get("solution"):
            cell["metadata"]["editable"] = False


def dumps(notebook: dict[str, Any]) -> str:
    """Return a notebook as the text of its file, the way Jupyter writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def generated(root: Path = ROOT) -> dict[Path, str]:
    """Return what exercises/ should hold: the text of each file."""
    result = {}
    for path in sorted((root / SOLUTIONS).glob("*.ipynb")):
        try:
            text = dumps(exercise_notebook(load(path)))
        except MarkerError as error:
            raise MarkerError(f"{path}: {error}") from None
        result[root / EXERCISES / path.name] = text
    return result


def reset(chapter: str, root: Path = ROOT) -> list[str]:
    """Write the exercises of `chapter` ("01") anew, keeping the learner's copy; what was done."""
    if not (root / SOLUTIONS).is_dir():
        raise NotebookError(say("reset", "no_solutions", folder=root))
    files = {chapter_of(path): (path, text) for path, text in generated(root).items()}
    if chapter not in files:
        known = ", ".join(sorted(files))
        raise NotebookError(say("reset", "unknown", chapter=chapter, known=known))
    path, text = files[chapter]
    said = []
    if path.exists():
        if path.read_bytes() == text.encode():
            return [say("reset", "same", path=path)]
        said.append(say("reset", "kept", backup=_back_up(path)))
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [*said, say("reset", "written", path=path)]


def _back_up(path: Path) -> Path:
    """Move the learner's copy into a folder beside it that git does not see."""
    folder = path.parent / "backups"
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    number = 1
    while (backup := folder / f"{path.stem}-{number}.ipynb").exists():
        number += 1
    path.replace(backup)
    return backup


def main() -> int:
    """Write exercises/ from solutions/."""
    try:
        for path, text in generated().items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    except MinihvError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
