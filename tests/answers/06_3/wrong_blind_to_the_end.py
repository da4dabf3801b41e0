"""Accepts 2 MiB at the end of the guest's memory."""
# says: beyond

from tests.answers.variants import variant

globals().update(variant(
    "06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'if e["level"] and start + LARGE > base + size:\n            continue\n'
     '        if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, '
     'entry):'),
))
