"""Forgets the page."""
# says: no_page

from tests.answers.variants import variant

globals().update(variant("06.2",
    ('return own * (host - tables + 1) + (host - page)',
     'return own * (host - tables + 1) or (host - page)'),
))
