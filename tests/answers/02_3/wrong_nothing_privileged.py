"""Calls nothing privileged."""
# says: is_privileged

from tests.answers.variants import variant

globals().update(variant(
    "02.3",
    ('(works_s and not works_u, sensitive)',
     '(False, sensitive)'),
))
