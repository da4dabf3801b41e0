"""Believes in delegation."""
# says: choice_c

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('because = "b"',
     'because = "c"')))
