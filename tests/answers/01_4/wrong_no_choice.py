"""Makes no choice."""
# says: no_choice

from tests.answers.variants import variant

globals().update(variant("01.4", ('because = "b"', "pass")))
