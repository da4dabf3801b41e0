"""Keeps the first page only."""
# says: page_lacks

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('        if any(page):\n',
     '        if any(page) and not pages:\n'),
))
