"""Ignores V in the guest's tables."""
# says: invalid

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('            if not pte & V:\n                return "page fault", gva\n',
     ''),
))
