"""Puts what is no number into a register."""
# says: odd_at

from tests.answers.variants import variant

globals().update(variant("02.1", ("cpu.x[rd] = old", "cpu.x[rd] = {old}")))
