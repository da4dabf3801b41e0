"""Forgets the saved state."""
# says: no_state

from tests.answers.variants import variant

globals().update(variant("16.2", ('    vm.restore(saved)\n', '')))
