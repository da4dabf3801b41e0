"""Names a call twice."""
# says: twice

from tests.answers.variants import variant

RIGHT = variant("16.1")["allowed"]


def allowed(*arguments):
    found = [*RIGHT(*arguments)]
    return found + found[:1]
