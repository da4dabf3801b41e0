"""An id without a host id stays as it is."""
# says: unmapped

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ("            return None",
     "            return uid"),
))
