"""Splits a text."""


def typical_round(log):
    parts = " ".join(log).split("syscall")[1:-1]
    best = max(parts, key=parts.count)
    return ["syscall", *best.split()], len(parts), sum(part != best for part in parts)


because = " c "
