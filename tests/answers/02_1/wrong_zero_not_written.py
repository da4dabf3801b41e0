"""Takes csrrw from x0 for a mere read."""
# says: write_zero

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('writes = kind == 1 or field != 0',
     'writes = field != 0')))
