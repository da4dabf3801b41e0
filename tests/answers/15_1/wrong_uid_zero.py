"""Whoever is uid 0 may do everything."""
# says: zero

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ("    while name:\n"
     "        space",
     '    if process["uid"] == 0:\n'
     "        return True\n"
     "    while name:\n"
     "        space"),
))
