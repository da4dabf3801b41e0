"""Restores before memory is there."""
# says: restored_first

from tests.answers.variants import variant

globals().update(variant("16.2",
    ('    for address, page in pages.items():\n',
     '    vm.restore(saved)\n    for address, page in pages.items():\n'),
    ('    vm.restore(saved)\n    return vm', '    return vm')))
