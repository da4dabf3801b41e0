"""Counts a map's ids from one."""
# says: one_level

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('uid = above + uid - inside\n',
     'uid = above + uid - inside + 1\n'),
))
