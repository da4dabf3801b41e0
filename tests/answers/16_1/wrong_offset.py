"""Jumps one instruction too far."""
# says: lacking

from tests.answers.variants import variant

globals().update(variant("16.1", ('jt if true else jf', '1 + (jt if true else jf)')))
