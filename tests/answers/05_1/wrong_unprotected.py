"""Lets the guest write to its page tables."""
# says: protected

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('if protected or not pte & D:',
     'if not pte & D:'),
))
