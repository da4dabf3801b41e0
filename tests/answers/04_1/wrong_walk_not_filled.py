"""Fills nothing for the guest's walk."""
# says: fill_walk

from tests.answers.variants import variant

globals().update(variant(
    "04.1",
    ('    if ram[0] <= gpa',
     '    if not walking and ram[0] <= gpa'),
))
