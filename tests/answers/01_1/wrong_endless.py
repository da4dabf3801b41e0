"""A loop inside the handler."""
# says: endless

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
    leave:
''', '''\
    leave: j leave
''')))
