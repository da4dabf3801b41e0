"""Counts a start in every second."""
# says: count

from tests.answers.variants import variant

globals().update(variant("16.4", ('fleet.start / fleet.lifetime', 'fleet.start')))
