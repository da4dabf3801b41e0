"""Returns nothing for interrupts."""
# says: shape

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('        return ("host",)',
     '        return ()')))
