"""Returns those that are stopped."""
# says: inverted

from tests.answers.variants import variant

globals().update(variant("16.1", ('in (ALLOW, LOG)]', 'not in (ALLOW, LOG)]')))
