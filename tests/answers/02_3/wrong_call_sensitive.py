"""Takes what always traps for sensitive."""
# says: call

from tests.answers.variants import variant

globals().update(variant(
    "02.3",
    ('(works_s and not works_u, sensitive)',
     '(works_s and not works_u, sensitive or not works_s)'),
))
