"""Reads PTEs at their gpa."""
# says: plain

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('hpa = second(gpa, "load")',
     'hpa = gpa if 0x80000000 <= gpa < 0x80800000 else None'),
))
