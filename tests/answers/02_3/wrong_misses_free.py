"""Does not see what one kind of instruction (free) does."""
# says: missed_free
# seeds: 1, 2

from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op, kind in zip(processor.ops, processor.kinds, strict=True):
        if kind == "free":
            table[op] = (table[op][0], False)
    return table, virtualizable
