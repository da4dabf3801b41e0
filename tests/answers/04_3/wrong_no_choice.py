"""Makes no choice."""
# says: no_choice

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('because = "b"',
     'pass')))
