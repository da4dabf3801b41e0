"""Calls the handler something else."""
# says: no_label

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
    handler:
''', '''\
    trap:
''')))
