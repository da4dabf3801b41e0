"""A capability counts in the process's own namespace only."""
# says: below

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('        name = space["parent"]\n'
     "    return False",
     "        return False\n"
     "    return False"),
))
