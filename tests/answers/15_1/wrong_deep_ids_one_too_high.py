"""Counts ids from one where maps are nested."""
# says: levels

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('uid = above + uid - inside\n',
     'uid = above + uid - inside + (spaces[name]["parent"] != "host")\n'),
))
