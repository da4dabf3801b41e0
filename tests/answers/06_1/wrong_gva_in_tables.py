"""Reports gva where a PTE could not be found."""
# says: t_invalid

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('                return "guest-page fault", gpa\n',
     '                return "guest-page fault", gva\n'),
))
