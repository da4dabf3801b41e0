"""Defines the counter itself."""
# says: assembly_clash

from tests.answers.variants import variant

globals().update(variant(
    "01.1",
    ('        mret\n    """',
     '        mret\n    ticks: .dword 0\n    """'),
))
