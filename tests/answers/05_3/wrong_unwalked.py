"""Every store to a table exits."""
# says: unwalked

from tests.answers.variants import variant

globals().update(variant("05.3", ("""\
        if table in stores:
            exits += 1
""", """\
        exits += 1
        if table in stores:
""")))
