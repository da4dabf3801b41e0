"""Does not look at capabilities."""
# says: missed_mknod

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('    if "MKNOD" in inside["caps"]:\n'
     '        return "mknod"\n',
     ""),
))
