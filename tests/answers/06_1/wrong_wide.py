"""Takes any gpa."""
# says: wide

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('if gpa >> 41:',
     'if False:'),
    ('gpa >> 30\n',
     'gpa >> 30 & 2047\n'),
))
