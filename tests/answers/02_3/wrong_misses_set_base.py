"""Does not see that a base register is set."""
# says: missed_set_base

from minihv.chapters.ch02.beside.processor import kinds_of
from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    op = processor.ops[kinds_of(processor).index("set_base")]
    table[op] = (True, False)
    return table, virtualizable
