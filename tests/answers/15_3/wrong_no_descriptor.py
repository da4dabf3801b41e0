"""Does not try the descriptor."""
# says: missed_descriptor

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ("    if works(box.fchdir, 0):\n"
     '        return "descriptor"\n',
     ""),
))
