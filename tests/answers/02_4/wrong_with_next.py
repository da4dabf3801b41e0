"""Takes the next syscall along."""
# says: with_next

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('list(typical)',
     '[*typical, "syscall"]')))
