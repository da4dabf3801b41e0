"""Puts text into a register."""
# says: shape

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.x[rd] = old',
     'cpu.x[rd] = hex(old)')))
