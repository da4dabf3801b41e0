"""Refuses to read a read-only CSR."""
# says: read_only

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('writes and number >> 10 == 3',
     'number >> 10 == 3')))
