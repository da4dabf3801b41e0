"""Makes clones on a host of their own."""
# says: other_host

from tests.answers.variants import variant

globals().update(variant("16.2",
    ('MicroVM(memory=size, host=host)',
     'MicroVM(memory=size)')))
