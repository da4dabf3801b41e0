"""Feeds the parent while it looks."""
# says: parent

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('    return vm.memory.size, pages, vm.save()',
     "    saved = vm.save()\n    vm.feed(b'?')\n"
     '    return vm.memory.size, pages, saved'),
))
