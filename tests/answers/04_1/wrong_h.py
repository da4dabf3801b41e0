"""Emulates H for a guest that has none."""
# says: h_instruction

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('        return ("reflect", 2, tval)',
     '        return ("emulate",)')))
