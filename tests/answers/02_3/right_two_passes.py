"""One function for each definition."""

N = 150


def pairs(processor, op, change):
    for n in range(N):
        for mode in "su":
            state = {**processor.state(n), "mode": mode}
            yield processor.execute(op, state), processor.execute(op, change(state))


def same(a, b):
    if "trap" in (a, b):
        return True
    windows = [s["memory"][s["base"]:s["base"] + s["bound"]] for s in (a, b)]
    return a["r"] == b["r"] and a["pc"] == b["pc"] and windows[0] == windows[1]


def works(processor, op, mode):
    return any(processor.execute(op, {**processor.state(n), "mode": mode}) != "trap"
               for n in range(N))


def control(processor, op):
    for n in range(N):
        for mode in "su":
            state = {**processor.state(n), "mode": mode}
            after = processor.execute(op, state)
            if after != "trap" and any(after[k] != state[k] for k in ("mode", "base", "bound")):
                return True
    return False


def behaviour(processor, op):
    changes = (lambda s: {**s, "mode": "u"}, lambda s: processor.moved(s, 5))
    return any(not same(*pair) for change in changes for pair in pairs(processor, op, change))


def classify(processor):
    table = {op: (works(processor, op, "s") and not works(processor, op, "u"),
                  control(processor, op) or behaviour(processor, op)) for op in processor.ops}
    return table, not any(s and not p for p, s in table.values())
