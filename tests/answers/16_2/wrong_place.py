"""Puts the first page in another place."""
# says: console

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('vm.memory.write(address, page)',
     'vm.memory.write(address ^ 4096, page)'),
))
