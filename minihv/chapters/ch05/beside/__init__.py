"""What runs beside the learner's code in the exercises of chapter 05."""

from minihv.course.beside import Beside, each

BESIDE = {
    "05.1": Beside(("shadow_entry",)),
    "05.2": Beside(("first_wrong",)),
    "05.3": Beside(("count_exits", "because"),
                   each(lambda trace: [[tuple(event) for event in trace]])),
}  # fmt: skip
