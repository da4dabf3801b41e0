"""Does not compare the host's mounts."""
# says: missed_propagation

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('    if len(host.view()["mounts"]) != before:\n'
     '        return "propagation"\n',
     ""),
))
