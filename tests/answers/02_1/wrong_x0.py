"""Writes x0."""
# says: x0

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('    if rd:\n        cpu.x[rd] = old',
     '    cpu.x[rd] = old')))
