"""Serves the groups in the order in which they become full."""


def split(groups, seconds):
    got = [0.0 for _ in groups]
    busy = [n for n in range(len(groups)) if groups[n]["busy"] > 0]

    def ceiling(n):
        quota = groups[n]["quota"]
        return seconds * (1 if quota is None else min(quota, 1))

    busy.sort(key=lambda n: ceiling(n) / groups[n]["weight"])
    left = seconds
    for k, n in enumerate(busy):
        weight = sum(groups[m]["weight"] for m in busy[k:])
        got[n] = min(left * groups[n]["weight"] / weight, ceiling(n))
        left -= got[n]
    return got


because = " b "
