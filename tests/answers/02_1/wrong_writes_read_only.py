"""Writes read-only CSRs."""
# says: write_read_only

from tests.answers.variants import variant

globals().update(variant("02.1",
    (' or writes and number >> 10 == 3',
     '')))
