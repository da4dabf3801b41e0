"""What runs beside the learner's code in the exercises of chapter 02."""

from minihv.chapters.ch02.beside.cpu import emulated
from minihv.chapters.ch02.beside.processor import Processor
from minihv.chapters.ch02.beside.suspects import suspicious
from minihv.course.beside import Beside, each

BESIDE = {
    "02.1": Beside(("emulate",), emulated),
    "02.2": Beside(("find_fault",), each(suspicious), seconds=60.0),
    "02.3": Beside(("classify",), each(lambda *kinds: [Processor(kinds)]), seconds=40.0),
    "02.4": Beside(("typical_round", "because")),
}
