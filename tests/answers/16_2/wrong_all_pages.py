"""Keeps all of memory."""
# says: size

from tests.answers.variants import variant

globals().update(variant("16.2", ('        if any(page):\n', '        if True:\n')))
