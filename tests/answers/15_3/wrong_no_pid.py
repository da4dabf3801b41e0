"""Does not look at process numbers."""
# says: missed_pid

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('    if inside["ns"]["pid"] == outside["ns"]["pid"]:\n'
     '        return "pid"\n',
     ""),
))
