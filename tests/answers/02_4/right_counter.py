"""With Counter."""

from collections import Counter


def typical_round(log):
    starts = [k for k in range(len(log)) if log[k] == "syscall"]
    seen = Counter(tuple(log[a:b]) for a, b in zip(starts, starts[1:], strict=False))
    (found, times), = seen.most_common(1)
    return found, sum(seen.values()), sum(seen.values()) - times


because = "C"
