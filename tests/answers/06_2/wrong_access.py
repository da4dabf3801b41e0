"""Counts the access too."""
# says: access

from tests.answers.variants import variant

globals().update(variant("06.2",
    ('+ (host - page)',
     '+ (host - page) + 1'),
    ('return own\n',
     'return own + 1\n'),
))
