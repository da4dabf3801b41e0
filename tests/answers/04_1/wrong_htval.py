"""Forgets the shift."""
# says: fill

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('exit["htval"] << 2',
     'exit["htval"]')))
