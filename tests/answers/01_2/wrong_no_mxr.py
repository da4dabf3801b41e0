"""Ignores MXR."""
# says: mxr

from tests.answers.variants import variant

globals().update(variant("01.2", ("R | X if mxr else R", "R")))
