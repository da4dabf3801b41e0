"""Finds the level of the water by halving."""


def split(groups, seconds):
    def at(level):
        return [0.0 if not g["busy"] else min(
            level * g["weight"], seconds if g["quota"] is None else g["quota"] * seconds)
            for g in groups]

    low, high = 0.0, seconds
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(at(middle)) > seconds else (middle, high)
    return at(low)


because = "B"
