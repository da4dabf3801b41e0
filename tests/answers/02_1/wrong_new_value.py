"""rd gets the new value."""
# says: write

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('cpu.x[rd] = old',
     'cpu.x[rd] = cpu.csr[name]')))
