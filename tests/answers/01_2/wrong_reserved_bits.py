"""Ignores bits 63..54."""
# says: reserved

from tests.answers.variants import variant

globals().update(variant("01.2", (" or pte >> 54", "")))
