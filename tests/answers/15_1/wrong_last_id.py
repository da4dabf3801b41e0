"""Takes an extent to end one id too early."""
# says: last

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ("if inside <= uid < inside + count:",
     "if inside <= uid < inside + count - 1:"),
))
