"""Crashes on what it does not know."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('    if cause not in (20, 21, 23):\n        return ("reflect", cause, tval)\n',
     '')))
