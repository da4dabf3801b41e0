"""The layers the wrong way round."""
# says: merged

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ("reversed(layers)",
     "layers"),
))
