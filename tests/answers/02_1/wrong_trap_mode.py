"""A trap leaves the mode as it was."""
# says: trap_mode

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('cpu.mode, cpu.pc = 1, cpu.csr["stvec"] & ~3',
     'cpu.pc = cpu.csr["stvec"] & ~3'),
))
