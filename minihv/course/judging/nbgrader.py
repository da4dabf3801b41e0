"""nbgrader's autograding by our judge: the kernel that a submission runs in is not believed.

In nbgrader_config.py:

    from minihv.course.judging.nbgrader import configure
    configure(get_config())

nbgrader runs a submission and its tests in one kernel, so that a submission may replace `check`.
Here a grade cell's output, from which nbgrader takes the points, is what `minihv check` says of the
exercise that the cell checks; and hidden tests are taken out before feedback shows them.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade

from minihv.course.books.generate import without_hidden_tests
from minihv.course.books.notebooks import checked_in
from minihv.course.exercise import draw_seed
from minihv.course.judging.confined import rooms
from minihv.course.judging.judge import Report, check_notebook

OTHERS = ("IgnorePattern", "ClearMetadataPreprocessor", "LimitOutput", "SaveAutoGrades",
          "AssignLatePenalties", "CheckCellMetadata")


def configure(config: Any) -> None:
    """Let nbgrader's autograding use the judge in place of a kernel."""
    from nbconvert.preprocessors import ClearMetadataPreprocessor
    from nbgrader import preprocessors

    given = {"ClearMetadataPreprocessor": ClearMetadataPreprocessor}
    config.Autograde.autograde_preprocessors = [
        Judge, *(given.get(name) or getattr(preprocessors, name) for name in OTHERS)]


class Judge(NbGraderPreprocessor):
    """Judges a notebook's exercises in a container, and writes verdicts as outputs."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the notebook with outputs in its grade cells, and in these only."""
        report = judged(nb, resources["nbgrader"]["notebook"])
        if report.error:
            self.log.warning(report.error)
        rows = {row.exercise.id: row for row in report.rows}
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            cell.outputs, cell.execution_count = [], None
            if is_grade(cell):
                asked = checked_in(cell.source)
                wrong = [rows[n].text if n in rows else report.error for n in asked
                         if n not in rows or not rows[n].verdict.ok]
                if wrong or not asked:
                    said = "\n".join(wrong) or "This cell checks no exercise of the course."
                    cell.outputs = [nbformat.v4.new_output(
                        "error", ename="NotYet", evalue=said, traceback=said.split("\n"))]
                cell.source = without_hidden_tests(cell.source)
        return nb, resources


def judged(nb: Any, name: str) -> Report:
    """Return the report on a notebook called `name`, with a seed that nobody knows."""
    with tempfile.TemporaryDirectory() as folder, rooms() as start:
        path = Path(folder) / f"{name}.ipynb"
        path.write_text(json.dumps(nb), encoding="utf-8")
        return check_notebook(path, draw_seed(), start=start, own=False)
