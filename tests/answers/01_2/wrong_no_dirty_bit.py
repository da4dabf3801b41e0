"""Ignores D."""
# says: dirty

from tests.answers.variants import variant

globals().update(variant("01.2", (' or access == "store" and not pte & D', "")))
