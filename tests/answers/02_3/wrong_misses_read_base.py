"""Does not see what one kind of instruction (read_base) does."""
# says: missed_read_base

from minihv.chapters.ch02.beside.processor import kinds_of
from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op, kind in zip(processor.ops, kinds_of(processor), strict=True):
        if kind == "read_base":
            table[op] = (table[op][0], False)
    return table, virtualizable
