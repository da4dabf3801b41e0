"""Does not step over the instruction."""
# says: pc

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('    cpu.pc += 4',
     '    pass')))
