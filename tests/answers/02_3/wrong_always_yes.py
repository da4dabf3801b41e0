"""Always virtualizable."""
# says: too_kind

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('all(privileged or not sensitive for privileged, sensitive in table.values())',
     'True')))
