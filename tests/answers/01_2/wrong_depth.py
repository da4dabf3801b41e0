"""Takes a pointer at level 0 for a page."""
# says: depth

from tests.answers.variants import variant

globals().update(variant("01.2", ('''\
    else:
        return fault
''', '''\
    else:
        return 'pa', page | va & 4095
''')))
