"""Calls what is no system call."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('sys.chdir("/box/root")',
     'sys.cd("/box/root")'),
))
