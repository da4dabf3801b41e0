"""Wants W before D is set."""
# says: right_fill

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('if not pte & D:',
     'if False:'),
))
