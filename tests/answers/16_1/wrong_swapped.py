"""Has jt and jf the wrong way round."""
# says: swapped

from tests.answers.variants import variant

globals().update(variant("16.1", ('jt if true else jf', 'jf if true else jt')))
