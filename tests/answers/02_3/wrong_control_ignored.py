"""Forgets control."""
# says: missed_enter_user

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('                    sensitive = True',
     '                    pass')))
