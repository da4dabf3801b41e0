"""Leaves the mounts shared: pivot_root refuses."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.mount(None, "/", "", "rec private")\n',
     ""),
))
