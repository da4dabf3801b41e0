"""Takes gpas of any width."""
# says: wide

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('        if gpa >> 41:\n            return None\n',
     '')))
