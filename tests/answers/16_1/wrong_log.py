"""Forgets LOG."""
# says: log

from tests.answers.variants import variant

globals().update(variant("16.1", ('in (ALLOW, LOG)]', '== ALLOW]')))
