"""Collects what it sees of each instruction in sets, then decides."""


def seen(state):
    window = state["memory"][state["base"]:state["base"] + state["bound"]]
    return tuple(state["r"]), state["pc"], tuple(window)


def classify(processor):
    table = {}
    for op in processor.ops:
        worked, facts = set(), set()
        for n in range(1, 301):
            s = processor.state(n)
            u = dict(s, mode="u")
            ends = {}
            starts = {"s": s, "u": u, "away": processor.moved(u, 9), "far": processor.moved(s, 3)}
            for place, start in starts.items():
                end = processor.execute(op, start)
                if end != "trap":
                    worked.add(start["mode"])
                    ends[place] = seen(end)
                    if (end["mode"], end["base"]) != (start["mode"], start["base"]):
                        facts.add("control")
            if len(set(ends.values())) > 1:
                facts.add("behaviour")
        table[op] = ("s" in worked and "u" not in worked, bool(facts))
    return table, (False, True) not in table.values()
