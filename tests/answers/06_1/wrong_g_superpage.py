"""Forgets the low bits of a large page of the G-stage."""
# says: large

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('return table & ~inside | gpa & inside if allowed(pte, access, True) else None',
     'return table & ~inside | gpa & 4095 if allowed(pte, access, True) else None'),
))
