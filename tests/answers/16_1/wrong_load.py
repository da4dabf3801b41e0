"""Takes every load for a load of the number."""
# says: load

from tests.answers.variants import variant

globals().update(variant("16.1", ('word = data.get(k, 0)', 'word = number')))
