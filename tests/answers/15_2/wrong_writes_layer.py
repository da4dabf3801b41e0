"""The topmost layer is the writable one."""
# says: layer_written

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ("upperdir=/box/upper",
     "upperdir={layers[-1]}"),
))
