"""Takes a miss under shadow paging for free."""
# says: whole_miss

from tests.answers.variants import variant

globals().update(variant("06.4", ("misses * prices[0]", "misses * prices[0] * (prices is nested)")))
