"""sepc lies behind the instruction."""
# says: trap_sepc

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.csr["stval"] = cpu.pc, 2, word',
     'cpu.csr["stval"] = cpu.pc + 4, 2, word')))
