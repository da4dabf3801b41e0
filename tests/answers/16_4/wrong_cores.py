"""One core."""
# says: cores

from tests.answers.variants import variant

globals().update(variant("16.4", ('fleet.cores * 1_000_000', '1_000_000')))
