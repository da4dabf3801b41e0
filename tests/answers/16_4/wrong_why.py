"""Names the smallest part."""
# says: why_time

from tests.answers.variants import variant

globals().update(variant("16.4", ('max(takes, key', 'min(takes, key')))
