"""Makes no choice."""
# says: no_choice

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('because = "c"',
     'pass')))
