"""Takes all that is privileged for sensitive."""
# says: harmless

from tests.answers.variants import variant

globals().update(variant(
    "02.3",
    ('(works_s and not works_u, sensitive)',
     '(works_s and not works_u, sensitive or works_s and not works_u)'),
))
