"""Takes nine bits for the index into the G-stage's root."""
# says: far

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('gpa >> 30\n',
     'gpa >> 30 & 511\n')))
