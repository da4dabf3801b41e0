"""Raises for what the guest may not do."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('        status = cpu.csr["sstatus"]\n        cpu.csr["sepc"]',
     '        raise PermissionError(hex(word))\n        cpu.csr["sepc"]')))
