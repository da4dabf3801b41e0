"""Does not see what one kind of instruction (enter_user_ignored) does."""
# says: missed_enter_user_ignored
# seeds: 1, 3

from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op, kind in zip(processor.ops, processor.kinds, strict=True):
        if kind == "enter_user_ignored":
            table[op] = (table[op][0], False)
    return table, virtualizable
