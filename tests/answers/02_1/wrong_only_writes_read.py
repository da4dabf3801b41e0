"""Reads only where it also writes."""
# says: read

from tests.answers.variants import variant

globals().update(variant(
    "02.1",
    ('    if rd:\n',
     '    if rd and writes:\n'),
))
