"""Does not see that a base register is set."""
# says: missed_set_base

from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    op = processor.ops[processor.kinds.index("set_base")]
    table[op] = (True, False)
    return table, virtualizable
