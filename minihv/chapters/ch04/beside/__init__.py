"""What runs beside the learner's code in the exercises of chapter 04."""

from minihv.chapters.ch04.beside.exits import handled
from minihv.chapters.ch04.beside.switches import forgetful
from minihv.course.beside import Beside, each

BESIDE = {
    "04.1": Beside(("delegate", "dispatch"), handled),
    "04.2": Beside(("find_fault",), each(forgetful), seconds=60.0),
    "04.3": Beside(("dominant", "because"), each(lambda total, exits: [
        total, {name: tuple(pair) for name, pair in exits.items()}])),
}  # fmt: skip
