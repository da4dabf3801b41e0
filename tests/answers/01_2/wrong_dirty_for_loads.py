"""Wants D for loads too."""
# says: clean

from tests.answers.variants import variant

globals().update(variant("01.2", (' or access == "store" and not pte & D', " or not pte & D")))
