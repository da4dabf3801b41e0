"""Lets the guest's user return."""
# says: user_sret

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('        if cpu.mode == 0:\n            return illegal()\n',
     '')))
