"""Goes one cell too far."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant(
    "16.3",
    ('        for index in range(cells):\n            writer',
     '        for index in range(cells + 1):\n            writer'),
))
