"""sret clears sepc."""
# says: sret_other

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('int(status & SPP > 0), cpu.csr["sepc"]',
     'int(status & SPP > 0), cpu.csr["sepc"]\n        cpu.csr["sepc"] = 0'),
))
