"""A trap saves sp in sscratch."""
# says: trap_other

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('= cpu.pc, 2, word',
     '= cpu.pc, 2, word\n        cpu.csr["sscratch"] = cpu.x[2]'),
))
