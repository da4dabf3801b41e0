"""What runs beside the learner's code in the exercises of chapter 06."""

from minihv.chapters.ch01.beside.memory import walks
from minihv.course.beside import Beside

BESIDE = {
    "06.1": Beside(("walk",), walks),
    "06.2": Beside(("count_references",)),
    "06.3": Beside(("first_wrong",)),
    "06.4": Beside(("break_even", "because")),
}
