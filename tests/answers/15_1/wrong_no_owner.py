"""The maker has no rights."""
# says: owner

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ("            return True\n"
     "        name",
     '            return cap in process["caps"]\n'
     "        name"),
))
