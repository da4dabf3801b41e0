"""Does not look at W."""
# says: no_write

from tests.answers.variants import variant

globals().update(variant(
    "06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'entries = entry, entry & ~4\n'
     '        if (e["level"], e["index"]) != (level, gpa // page % 512) or e["entry"] '
     'not in entries:'),
))
