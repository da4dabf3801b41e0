"""Accepts superpages that are not aligned."""
# says: misaligned

from tests.answers.variants import variant

globals().update(variant("01.2", ('''\
    if page & inside:
''', '''\
    if False:
'''), ("page | va & inside", "page & ~inside | va & inside")))
