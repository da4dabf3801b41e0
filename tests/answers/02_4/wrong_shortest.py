"""Takes the shortest round."""
# says: shortest

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('max(set(rounds), key=rounds.count)',
     'min(set(rounds), key=len)')))
