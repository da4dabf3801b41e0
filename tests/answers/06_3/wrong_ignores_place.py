"""Does not look at the page."""
# says: next_page

from tests.answers.variants import variant

globals().update(variant("06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'if (e["level"], e["index"], e["entry"] & 255) != (level, gpa // page % 512, entry & 255):'),
))
