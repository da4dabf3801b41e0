"""Gives W before D is set."""
# says: clean

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('if protected or not pte & D:',
     'if protected:'),
))
