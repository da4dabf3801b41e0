"""Takes one size for all of the host's pages."""
# says: one_size

from tests.answers.variants import variant

globals().update(variant("06.2",
    ('(host - tables + 1)',
     '(host - page + 1)'),
))
