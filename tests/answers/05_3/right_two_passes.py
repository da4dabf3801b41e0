"""One pass for each policy; tables hold their own pages."""


def with_fences(trace):
    filled, faults = [], 0
    for event in trace:
        if event[0] == "switch":
            filled = []
        elif event[0] == "change":
            filled = [page for page in filled if page != event[1:]]
        elif event[1:] not in filled:
            faults += 1
            filled.append(event[1:])
    return faults


def with_protection(trace):
    tables, faults, exits = {}, 0, 0
    for event in trace:
        if event[0] == "switch":
            continue
        key = event[1], event[2] // 512
        if event[0] == "touch":
            pages, _ = tables.get(key, (set(), 0))
            if event[2] not in pages:
                faults += 1
                tables[key] = pages | {event[2]}, 0
        elif key in tables:
            exits += 1
            pages, count = tables.pop(key)
            if count < 3:
                tables[key] = pages - {event[2]}, count + 1
    return faults, exits


def count_exits(trace):
    return (with_fences(trace), *with_protection(trace))


because = "c"
