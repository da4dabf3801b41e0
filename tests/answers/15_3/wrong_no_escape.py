"""Does not try to leave the root."""
# says: missed_chroot

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('return "chroot" if works(box.read, "decoy/secret") else "none"',
     'return "none"'),
))
