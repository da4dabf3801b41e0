"""Adds the two walks."""
# says: added

from tests.answers.variants import variant

globals().update(variant("06.2",
    ('return own * (host - tables + 1) + (host - page)',
     'return own + (host - page)'),
))
