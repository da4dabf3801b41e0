"""JGE jumps only when the word is greater."""
# says: greater

from tests.answers.variants import variant

globals().update(variant("16.1", ('word >= k', 'word > k')))
