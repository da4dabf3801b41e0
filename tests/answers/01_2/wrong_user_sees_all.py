"""Forgets that U-mode needs U."""
# says: user

from tests.answers.variants import variant

globals().update(variant("01.2", ('''\
    if priv == 0 and not pte & U:
        return fault
''', "")))
