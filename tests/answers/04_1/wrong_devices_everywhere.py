"""Takes whatever is no RAM for a device."""
# says: nowhere

from tests.answers.variants import variant

globals().update(variant(
    "04.1",
    (' and any(s <= gpa < s + size for s, size in devices)',
     ''),
))
