"""Does not look at A and D."""
# says: no_marks

from tests.answers.variants import variant

globals().update(variant(
    "06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'entries = entry, entry & ~0b11000000\n'
     '        if (e["level"], e["index"]) != (level, gpa // page % 512) or e["entry"] '
     'not in entries:'),
))
