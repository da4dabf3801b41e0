"""Does not look at the network."""
# says: missed_net

from tests.answers.variants import variant

globals().update(variant(
    "15.3",
    ('    if inside["ns"]["net"] == outside["ns"]["net"]:\n'
     '        return "net"\n',
     ""),
))
