"""Takes csrrwi of 0 for a mere read."""
# says: write_zero_immediate

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('writes = kind == 1 or field != 0',
     'writes = kind == 1 and not immediate or field != 0')))
