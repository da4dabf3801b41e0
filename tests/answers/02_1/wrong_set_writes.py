"""Writes instead of setting."""
# says: set

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('old | operand',
     'operand')))
