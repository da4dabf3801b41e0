"""Returns behind sepc."""
# says: sret_pc

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.csr["sepc"]\n        status',
     'cpu.csr["sepc"] + 4\n        status')))
