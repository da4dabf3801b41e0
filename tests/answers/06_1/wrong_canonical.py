"""Takes any gva."""
# says: canonical

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('if gva >> 38 not in (0, (1 << 26) - 1):',
     'if False:'),
))
