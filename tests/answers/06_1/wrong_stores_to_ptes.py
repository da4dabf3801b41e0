"""A store needs W where the guest's tables are."""
# says: t_reads

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('second(gpa, "load")',
     'second(gpa, access if access == "store" else "load")'),
))
