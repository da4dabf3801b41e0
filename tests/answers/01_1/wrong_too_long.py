"""Leaves much room."""
# says: too_long

from tests.answers.variants import variant

globals().update(variant(
    "01.1",
    ('        mret\n    """',
     '        mret\n        .space 70000\n    """'),
))
