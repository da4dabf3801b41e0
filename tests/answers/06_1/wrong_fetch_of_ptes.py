"""Asks the G-stage for the right of the access for PTEs too, and marks a store."""
# says: plain

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('hpa = second(gpa, "load")',
     'hpa = second(gpa + 4096, "load")'),
))
