"""Translates M-mode."""
# says: machine

from tests.answers.variants import variant

globals().update(variant("01.2", ("priv == 3 or satp >> 60 == 0", "satp >> 60 == 0")))
