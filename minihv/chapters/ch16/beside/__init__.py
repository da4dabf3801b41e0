"""What runs beside the learner's code in the exercises of chapter 16."""

from minihv.chapters.ch16.beside.fleets import Fleet as Clones
from minihv.chapters.ch16.beside.host import Fleet
from minihv.chapters.ch16.beside.plans import carried_out
from minihv.course.beside import Beside, each

BESIDE = {
    "16.1": Beside(("allowed",), each(lambda code, numbers, arch, argument: [
        [tuple(line) for line in code], numbers, arch, argument])),
    "16.2": Beside(("snapshot", "clone"), carried_out, seconds=30.0),
    "16.3": Beside(("find_shared",), each(lambda *facts: [Clones(*facts).clone])),
    "16.4": Beside(("bound",), each(lambda facts: [Fleet(**facts)])),
    "16.5": Beside(("line", "because"),
                   each(lambda points: [[(int(n), float(value)) for n, value in points]])),
}  # fmt: skip
