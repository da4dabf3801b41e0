"""Returns two things."""
# says: shape

from tests.answers.variants import variant

globals().update(variant("02.4",
    (', len(rounds) - rounds.count(typical)',
     '')))
