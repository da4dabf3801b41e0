"""Does not look for zombies."""
# says: missed_reaper

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ("    if works(box.wait):                         # a dead child that "
     "nobody has waited for\n"
     '        return "reaper"\n',
     ""),
))
