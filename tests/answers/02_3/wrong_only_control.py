"""Forgets behaviour."""
# says: missed_read_base_privileged

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('            sensitive |= any(result != results[0] for result in results)\n',
     '')))
