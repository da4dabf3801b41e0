"""One pass, by hand."""


def typical_round(log):
    rounds, current = {}, None
    for reason in log:
        if reason == "syscall":
            if current:
                rounds[current] = rounds.get(current, 0) + 1
            current = ()
        if current is not None:
            current += (reason,)
    total = sum(rounds.values())
    best = sorted(rounds, key=rounds.get)[-1]
    return (best, total, total - rounds[best])


because = "c"
