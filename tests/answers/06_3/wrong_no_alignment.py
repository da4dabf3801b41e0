"""Maps 2 MiB whatever the offset is."""
# says: right

from tests.answers.variants import variant

globals().update(variant("06.3",
    (' and offset % LARGE == 0',
     ''),
))
