"""Leaves a mark in the clone's memory."""
# says: page_extra

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('    vm.restore(saved)\n',
     '    vm.restore(saved)\n'
     '    vm.memory.write(vm.memory.base + size // 2, b"a clone!")\n'),
))
