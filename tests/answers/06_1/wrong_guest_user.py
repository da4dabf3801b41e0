"""Does not look at U in the guest."""
# says: user

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('if not allowed(pte, access, priv == 0):',
     'if not allowed(pte, access, bool(pte & U)):'),
))
