"""Gives every clone 4 MiB."""
# says: memory_size

from tests.answers.variants import variant

globals().update(variant("16.2",
    ('MicroVM(memory=size, host=host)',
     'MicroVM(host=host)')))
