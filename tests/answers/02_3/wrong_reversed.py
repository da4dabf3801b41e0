"""Asks for the reverse inclusion."""
# says: too_strict

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('privileged or not sensitive for',
     'sensitive or not privileged for')))
