"""What notebooks use: check, hint, predict, measure, show, term, progress.

Light to import: an exercise's machine is loaded when it is first checked.
"""

from minihv.course.checking import check, forget, hint, instance, progress
from minihv.course.glossary import term
from minihv.course.predictions import measure, predict, predicted
from minihv.course.showing import show

__all__ = ["check", "forget", "hint", "instance", "measure", "predict", "predicted", "progress",
           "show", "term"]  # fmt: skip
