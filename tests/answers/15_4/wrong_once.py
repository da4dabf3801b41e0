"""Divides once."""
# says: once

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ("while hungry and seconds - sum(got) > 1e-9:",
     "for _ in range(1):"),
    ('total = sum(groups[n]["weight"] for n in hungry)',
     'total = sum(groups[n]["weight"] for n in hungry) or 1'),
))
