"""Does not know MXR."""
# says: mxr

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('if mxr and pte & X:',
     'if False:'),
))
