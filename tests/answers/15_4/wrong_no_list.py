"""Returns a dict."""
# says: shape

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ("    return got",
     "    return dict(zip('abcdefgh', got))"),
))
