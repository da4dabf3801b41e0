"""csrrci keeps what it should clear."""
# says: clear_immediate

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('old & ~operand)',
     'old & (operand if immediate else ~operand))'),
))
