"""Returns to the ecall itself."""
# says: ecall_again

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        addi  t1, t1, 4
''', "")))
