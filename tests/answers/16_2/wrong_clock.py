"""Sets the clone's clock forward."""
# says: clock

from tests.answers.variants import variant

globals().update(variant(
    "16.2",
    ('    vm.restore(saved)\n',
     '    vm.restore(saved)\n    vm.harts[0].clock += 1000\n'),
))
