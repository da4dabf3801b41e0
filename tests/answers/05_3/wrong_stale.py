"""A store under protection forgets nothing."""
# says: stale

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('            kept.discard(entry)\n',
     ''),
))
