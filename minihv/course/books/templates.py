"""What `minihv new` writes: small things that work, to be replaced. Fields are in <angles>."""

CHECK = '''"""Exercise <id>: TODO what the learner writes, and what decides."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, wrong


@dataclass(frozen=True)
class Case:
    """TODO one call of the learner's function."""

    number: int

    @property
    def right(self) -> int:
        """TODO the answer."""
        return 2 * self.number


def make(rng: Random) -> list[Case]:
    """Draw the cases. TODO at least one for each rule."""
    return [Case(rng.randrange(2, 1000)) for _ in range(8)]


EXERCISE = Exercise(
    id="<id>", minutes=20, difficulty=1, points=3, make=make,
    form=Cases(
        call=lambda case: [case.number],
        right=lambda case: case.right,
        shape=int,
        mistakes={"not_doubled": lambda case: case.number},
        explain=lambda got, case: wrong("differs", got=got, expected=case.right),
    ),
)  # fmt: skip
'''

CHECK_TEXTS = '''
["<id>"]
title = "TODO <name>"
hints = [
  "TODO where to begin.",
  "TODO the idea.",
]
passed = "{count} cases, all right."
shape = "Case {number}: return an int; {why}. Yours returned {got}."
not_doubled = "TODO you return the number itself."
differs = "Case {number}: expected {expected}, got {got}."
'''

BESIDE = '''"""What runs beside the learner's code in the exercises of chapter <chapter>."""

from minihv.course.beside import Beside

BESIDE = {
}
'''

TASK = '''## <id> TODO

*20 minutes, ★, 3 points.* TODO what is given, what is asked.'''

ANSWER = '''def <name>(number):
    """TODO twice the number."""
    ### BEGIN SOLUTION
    return 2 * number
    ### END SOLUTION'''

CHECK_CELL = '''check("<id>", <name>)
### BEGIN HIDDEN TESTS
check("<id>", <name>, seeds=10)
### END HIDDEN TESTS'''

RIGHT = {"sum": "number + number", "shift": "number << 1", "divided": "number * 4 // 2"}
# Name: what its message is called, and what it returns.
WRONG = {"not_doubled": ("not_doubled", "number"), "differs": ("differs", "2 * number + 1"),
         "text": ("shape", "str(2 * number)"), "set": ("odd", "{2 * number}"),
         "crash": ("error", "2 * number // 0")}  # fmt: skip

VIEW = '''"""<View>: TODO what it shows."""

from __future__ import annotations

import traitlets

from minihv.course.views.draw import svg, text
from minihv.course.views.view import View, page


class <View>(View):
    """TODO. `shown` is what the page shows."""

    _esm, _css = page(__file__)
    place = "<place>"
    shown = traitlets.Unicode().tag(sync=True)

    def __init__(self, shown: str = "TODO"):
        super().__init__(shown=shown)

    def picture(self) -> str:
        """The view as it is now, as SVG."""
        return svg(860, 40, self.words["title"], text(16, 26, self.shown), description=self.text())

    def text(self) -> str:
        """The view as it is now, in words."""
        return self.words["said"].format(shown=self.shown)
'''

VIEW_SCRIPT = '''// <View>: TODO.

function render({ model, el }) {
  const words = model.get("words");
  const root = frame(el, "<place>", words.title);
  const said = h("p", { role: "status" });
  root.append(h("div", { class: "mhv-body" }, said));
  const draw = () => put(said, fill(words.said, { shown: model.get("shown") }));
  model.on("change:shown", draw);
  draw();
}

export default { render };
'''

VIEW_TEXTS = '''
[<place>]
title = "TODO <View>"
said = "TODO: {shown}"
'''

CHAPTER = '''"""Chapter <chapter>, <title>."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
)
'''

# Of a chapter's notebook: its form, see CONTRIBUTING.md.
NOTEBOOK = (
    ("markdown", "title", "# <chapter> <title>\n\nTODO the question that a working engineer asks."),
    ("code", "picture", "from minihv.course import figures, measure, predict, predicted, show, "
                        'term\n\nfigures.machine_picture("<chapter>")'),
    *(("markdown", heading.split()[0].lower(), f"## {heading}\n\nTODO")
      for heading in ("Five minutes to warm up", "Predict", "Build", "Watch", "Measure",
                      "Real systems", "Check yourself", "What you know now", "Sources")),
)  # fmt: skip
EXERCISES = (
    ("markdown", "top", "# <chapter> <title>: exercises\n\nTODO time, and what is needed."),
    ("code", "imports", "from minihv.course import check, figures, hint, instance, show"),
    ("markdown", "end", "## Where to go from here\n\nTODO"),
)
