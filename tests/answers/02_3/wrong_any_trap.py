"""Looks at user mode in one state only."""
# says: not_privileged

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('works_u |= start["mode"] == "u"',
     'works_u |= start["mode"] == "u" and n == 0')))
