"""What runs beside the learner's code in the exercises of chapter 01."""

from minihv.chapters.ch01.beside.memory import broken_guest, walks
from minihv.course.beside import Beside, each

BESIDE = {
    "01.1": Beside(("handler",)),
    "01.2": Beside(("walk",), walks),
    "01.3": Beside(("find_fault",), each(broken_guest)),
    "01.4": Beside(("count_misses", "because")),
}
