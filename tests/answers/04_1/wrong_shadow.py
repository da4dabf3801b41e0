"""Delegates page faults always."""
# says: shadow

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('    if shadow:\n        own -= {12, 13, 15}\n',
     '')))
