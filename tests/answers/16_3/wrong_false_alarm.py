"""Takes equal values for shared ones."""
# says: false_alarm

from tests.answers.variants import variant

globals().update(variant(
    "16.3",
    ('writer.write(part, index, before.read(part, index) ^ 1)',
     'pass'),
))
