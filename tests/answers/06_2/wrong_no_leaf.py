"""Forgets superpages."""
# says: no_leaf

from tests.answers.variants import variant

globals().update(variant("06.2",
    ('own = guest - leaf if guest else 0',
     'own = guest'),
    ('(host - tables + 1) + (host - page)',
     '(host + 1) + host'),
))
