"""Does not look at the flags."""
# says: no_user

from tests.answers.variants import variant

globals().update(variant("06.3",
    ('if (e["level"], e["index"], e["entry"]) != (level, gpa // page % 512, entry):',
     'if (e["level"], e["index"], e["entry"] >> 10) != (level, gpa // page % 512, entry >> 10):'),
))
