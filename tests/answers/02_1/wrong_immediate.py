"""Takes a register for the number."""
# says: write_immediate

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('field if immediate else cpu.x[field]',
     'cpu.x[field]')))
