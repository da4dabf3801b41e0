"""Keeps the VM itself, and saves it when it is cloned."""
# says: too_late

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('return vm.memory.size, pages, vm.save()',
     'return vm.memory.size, pages, vm'),
    ('vm.restore(saved)',
     'vm.restore(saved.save())'),
))
