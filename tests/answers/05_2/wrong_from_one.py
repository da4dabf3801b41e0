"""Counts events from 1."""
# says: from_one

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('for number, e in enumerate(events):',
     'for number, e in enumerate(events, 1):'),
))
