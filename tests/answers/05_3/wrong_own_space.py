"""A switch keeps what belongs to the space that comes."""
# says: own_space

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('fenced.clear()',
     'fenced = {e for e in fenced if e[0] == space}'),
))
