"""Ignores quotas."""
# says: no_quota

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('most = [seconds if g["quota"] is None else g["quota"] * seconds for g '
     "in groups]",
     "most = [seconds for g in groups]"),
))
