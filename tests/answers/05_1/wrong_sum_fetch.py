"""S-mode may execute user pages under SUM."""
# says: sum

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('rights = rights & ~X if sum_ else 0',
     'rights = rights if sum_ else 0'),
))
