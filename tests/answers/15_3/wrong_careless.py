"""Does not catch the refusals."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ("    if works(box.fchdir, 0):\n"
     '        return "descriptor"\n',
     "    box.fchdir(0)\n"),
))
