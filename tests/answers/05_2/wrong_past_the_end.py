"""Names the event after the last in a clean log."""
# says: beyond

from tests.answers.variants import variant

globals().update(variant(
    "05.2",
    ('    return None\n',
     '    return len(events)\n'),
))
