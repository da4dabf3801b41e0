"""Forgets the low bits of a superpage."""
# says: superpage

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('gpa = table & ~inside | gva & inside',
     'gpa = table & ~inside | gva & 4095'),
))
