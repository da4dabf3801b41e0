"""Lets a fence of one space name all."""
# says: right_fence

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('return fence["space"] in (None, space) and (',
     'return True and ('),
))
