"""Maps 2 MiB at the end of memory as well."""
# says: right

from tests.answers.variants import variant

globals().update(variant("06.3",
    ('start + LARGE <= base + size and ',
     'True and '),
))
