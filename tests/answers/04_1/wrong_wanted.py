"""Forgets the wishes."""
# says: wanted

from tests.answers.variants import variant

globals().update(variant("04.1",
    (' - set(wanted)',
     '')))
