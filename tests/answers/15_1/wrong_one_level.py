"""Translates with its own map only."""
# says: one_level_only

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('        name = spaces[name]["parent"]\n'
     "    return uid",
     "        return uid\n"
     "    return uid"),
))
