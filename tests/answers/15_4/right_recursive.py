"""Whoever would get more than its ceiling gets the ceiling; the rest is divided again."""


def split(groups, seconds):
    return fill({n: g for n, g in enumerate(groups) if g["busy"]}, seconds, seconds, len(groups))


def fill(wanting, left, seconds, count):
    total = sum(g["weight"] for g in wanting.values())
    full = {n: g["quota"] * seconds for n, g in wanting.items()
            if g["quota"] is not None and g["quota"] * seconds <= left * g["weight"] / total}
    if not full:
        return [left * wanting[n]["weight"] / total if n in wanting else 0.0 for n in range(count)]
    rest = fill({n: g for n, g in wanting.items() if n not in full},
                left - sum(full.values()), seconds, count) if len(full) < len(wanting) else \
        [0.0] * count
    return [full.get(n, rest[n]) for n in range(count)]


because = "b"
