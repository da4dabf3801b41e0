"""Reflects calls."""
# says: call

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('    if cause == 10:\n        return ("call",)\n',
     '')))
