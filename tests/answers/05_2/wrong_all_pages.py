"""Lets a fence of one page name all."""
# says: right_fence

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('fence["gva"] is None or fence["gva"] >> size == gva >> size',
     'True'),
))
