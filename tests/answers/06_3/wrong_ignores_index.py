"""Does not look at the index."""
# says: wrong_index

from tests.answers.variants import variant

globals().update(variant("06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'if (e["level"], e["entry"]) != (level, entry):'),
))
