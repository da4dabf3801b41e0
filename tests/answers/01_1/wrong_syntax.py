"""A mistake in the assembly."""
# says: assembly

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        csrr  t1, mcause
''', '''\
        csr   t1, mcause
''')))
