"""Binds the host's /proc."""
# says: host_proc

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('sys.mount("proc", "/box/root/proc", "proc")',
     'sys.mount("/proc", "/box/root/proc", "", "bind")'),
))
