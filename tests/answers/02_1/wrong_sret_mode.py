"""Always returns to U."""
# says: sret_mode

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('int(status & SPP > 0)',
     '0')))
