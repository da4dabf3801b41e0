"""Takes vsatp for a table always."""
# says: bare_first

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('if vsatp:',
     'if True:'),
))
