"""Returns two things."""
# says: shape

from tests.answers.variants import variant

globals().update(variant("04.3",
    (', round(total / (total - spent[reason]), 1)',
     '')))
