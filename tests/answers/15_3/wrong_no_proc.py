"""Does not read /proc."""
# says: missed_proc

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('    if box.listdir("/proc") != [str(n) for n in inside["processes"]]:\n'
     '        return "proc"\n',
     ""),
))
