"""JSET wants all bits."""
# says: all_bits

from tests.answers.variants import variant

globals().update(variant("16.1", ('word & k != 0', 'word & k == k')))
