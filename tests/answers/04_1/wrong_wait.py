"""Emulates wfi."""
# says: wait

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('            return ("wait",)\n',
     '            return ("emulate",)\n')))
