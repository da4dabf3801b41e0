"""Calls privileged what traps in some states."""
# says: traps_at_times

from tests.answers.variants import variant

RIGHT = variant("02.3")["classify"]


def classify(processor):
    table, virtualizable = RIGHT(processor)
    for op in processor.ops:
        for n in range(200):
            state = processor.state(n)
            if (processor.execute(op, state) != "trap"
                    and processor.execute(op, {**state, "mode": "u"}) == "trap"):
                table[op] = (True, table[op][1])
    return table, virtualizable
