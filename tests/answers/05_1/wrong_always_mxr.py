"""Lets code be read whatever MXR says."""
# says: no_mxr

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('if mxr and pte & X:',
     'if pte & X:'),
))
