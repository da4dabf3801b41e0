"""S-mode always reaches user pages."""
# says: no_sum

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('rights = rights & ~X if sum_ else 0',
     'rights = rights & ~X'),
))
