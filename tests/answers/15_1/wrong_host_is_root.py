"""On the host everybody is root."""
# says: host

from tests.answers.variants import variant

globals().update(variant(
    "15.1",
    ('        return host_uid\n',
     '        return 0\n'),
))
