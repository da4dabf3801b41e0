"""Falls over where nobody wants anything."""
# says: error_at

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('    hungry = [n for n, g in enumerate(groups) if g["busy"]]\n',
     '    hungry = [n for n, g in enumerate(groups) if g["busy"]] or [seconds '
     '/ sum(g["busy"] for g in groups)]\n'),
))
