"""What runs beside the learner's code in the exercises of chapter 15."""

from minihv.chapters.ch15.beside.boxes import start
from minihv.chapters.ch15.beside.hosts import recorded
from minihv.chapters.ch15.beside.spaces import answered
from minihv.course.beside import Beside, each

BESIDE = {
    "15.1": Beside(("to_host", "seen_as", "capable"), answered),
    "15.2": Beside(("build_root",), recorded),
    "15.3": Beside(("find_leak",), each(start)),
    "15.4": Beside(("split", "because")),
}
