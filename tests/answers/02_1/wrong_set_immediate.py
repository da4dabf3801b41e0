"""csrrsi writes its immediate."""
# says: set_immediate

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('(operand, old | operand,',
     '(operand, operand if immediate else old | operand,'),
))
