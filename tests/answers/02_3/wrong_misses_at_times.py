"""Does not see what one kind of instruction (at_times) does."""
# says: missed_at_times
# seeds: 3, 4

from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op, kind in zip(processor.ops, processor.kinds, strict=True):
        if kind == "at_times":
            table[op] = (table[op][0], False)
    return table, virtualizable
