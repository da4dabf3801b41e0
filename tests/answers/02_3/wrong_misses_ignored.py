"""Does not see what one kind of instruction (ignored) does."""
# says: missed_ignored
# seeds: 2, 4

from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op, kind in zip(processor.ops, processor.kinds, strict=True):
        if kind == "ignored":
            table[op] = (table[op][0], False)
    return table, virtualizable
