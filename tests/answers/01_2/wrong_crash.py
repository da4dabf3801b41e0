"""Computes with what read_u64 returned where there is no memory."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant("01.2", ("if pte is None", "if pte == -1")))
