"""Takes the longest round."""
# says: round

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('key=rounds.count',
     'key=len')))
