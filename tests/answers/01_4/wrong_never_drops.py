"""Never drops a page."""
# says: endless

from tests.answers.variants import variant

globals().update(variant("01.4", ('''\
            if len(held) == entries:
                del held[next(iter(held))]
''', "")))
