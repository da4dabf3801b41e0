"""Does not look at U in U-mode."""
# says: user

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('if priv == 0 and not pte & U:',
     'if priv == 2 and not pte & U:'),
))
