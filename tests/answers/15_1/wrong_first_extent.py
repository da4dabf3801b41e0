"""Looks at the first extent only."""
# says: extent

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('for inside, above, count in spaces[name]["uid_map"]:\n'
     "            if inside <=",
     'for inside, above, count in spaces[name]["uid_map"][:1]:\n'
     "            if inside <="),
))
