"""Forgets /proc."""
# says: no_proc

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('    sys.mount("proc", "/box/root/proc", "proc")\n',
     ""),
))
