"""Forgets the memory."""
# says: no_memory

from tests.answers.variants import variant

globals().update(variant("16.2", ('        vm.memory.write(address, page)', '        pass')))
