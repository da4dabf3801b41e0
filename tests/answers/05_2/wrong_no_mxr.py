"""Does not know MXR."""
# says: right_fill

from tests.answers.variants import variant

globals().update(variant("05.2",
    ('if mxr and pte & X:',
     'if False:'),
))
