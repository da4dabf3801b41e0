"""Blames the guest for everything."""
# says: g_invalid

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('return ("guest-page fault", gpa) if hpa is None else ("hpa", hpa)',
     'return ("page fault", gva) if hpa is None else ("hpa", hpa)'),
))
