"""Takes the host's interrupts for the guest's."""
# says: interrupt

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('return ("host",)',
     'return ("reflect", cause, tval)')))
