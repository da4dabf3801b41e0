"""Asks the G-stage for the right of the access where PTEs are read."""
# says: t_right

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('hpa = second(gpa, "load")',
     'hpa = second(gpa, access)'),
))
