"""Another cause."""
# says: trap_scause

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.csr["stval"] = cpu.pc, 2, word',
     'cpu.csr["stval"] = cpu.pc, 8, word')))
