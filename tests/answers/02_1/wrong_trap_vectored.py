"""Goes to stvec as it stands."""
# says: trap_pc

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.csr["stvec"] & ~3',
     'cpu.csr["stvec"]')))
