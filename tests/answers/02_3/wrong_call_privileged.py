"""Takes what always traps for privileged."""
# says: traps_always

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('works_s and not works_u',
     'not works_u')))
