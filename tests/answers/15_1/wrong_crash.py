"""Forgets that the host has no parent."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant("15.1", ('    if not parent:\n        return host_uid\n', "")))
