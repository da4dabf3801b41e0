"""Does not see what one kind of instruction (enter_user_ignored) does."""
# says: missed_enter_user_ignored

from minihv.chapters.ch02.beside.processor import kinds_of
from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op, kind in zip(processor.ops, kinds_of(processor), strict=True):
        if kind == "enter_user_ignored":
            table[op] = (table[op][0], False)
    return table, virtualizable
