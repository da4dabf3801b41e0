"""Accepts the guest's page number."""
# says: no_offset

from tests.answers.variants import variant

globals().update(variant(
    "06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'entries = entry, entry - (offset >> 12 << 10)\n'
     '        if (e["level"], e["index"]) != (level, gpa // page % 512) or e["entry"] '
     'not in entries:'),
))
