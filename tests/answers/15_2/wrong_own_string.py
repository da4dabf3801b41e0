"""Hands a system call a string of its own kind."""
# says: odd_at

from tests.answers.variants import variant

globals().update(variant(
    "15.2",
    ('sys.mkdir(f"/box/{name}")',
     'sys.mkdir(type("Path", (str,), {})(f"/box/{name}"))'),
))
