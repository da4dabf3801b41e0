"""Keeps views of the parent's memory, which goes on changing."""
# says: page_differs

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('page = vm.memory.read(address, 4096)',
     'page = vm.memory.bytes[address - vm.memory.base:][:4096]'),
    ('vm.memory.write(address, page)',
     'vm.memory.write(address, bytes(page))'),
))
