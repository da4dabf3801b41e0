"""Takes all pages for 4 KiB."""
# says: one_piece

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('size = 12 + 9 * level',
     'size = 12'),
))
