"""Accepts W without R."""
# says: write_only

from tests.answers.variants import variant

globals().update(variant("01.2", (" or pte & W and not pte & R", "")))
