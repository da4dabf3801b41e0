"""Accepts a superpage that begins anywhere."""
# says: misaligned

from tests.answers.variants import variant

globals().update(variant(
    "06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'entries = entry, (gpa + offset >> 12 << 10 | 0b11011111) if level else entry\n'
     '        if (e["level"], e["index"]) != (level, gpa // page % 512) or e["entry"] '
     'not in entries:'),
))
