"""Writes the number that the first program used instead of PERIOD."""
# says: drift
# seeds: 2, 77

from minihv.course.exercise import VISIBLE, exercise
from tests.answers.variants import variant

seen = exercise("01.1").instance(VISIBLE)[0].period
globals().update(variant("01.1", ("t2, PERIOD", f"t2, {seen}")))
