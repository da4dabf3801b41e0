"""No instruction in stval."""
# says: trap_stval

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.csr["stval"] = cpu.pc, 2, word',
     'cpu.csr["stval"] = cpu.pc, 2, 0')))
