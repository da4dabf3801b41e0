"""Does not look where the guest's memory begins."""
# says: right

from tests.answers.variants import variant

globals().update(variant("06.3",
    ('base <= start and ', '')))
