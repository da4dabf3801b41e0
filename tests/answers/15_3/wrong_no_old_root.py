"""Does not look at the mounts."""
# says: missed_old_root

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('    if any(row[4] == "root" for row in inside["mounts"]):\n'
     '        return "old root"\n',
     ""),
))
