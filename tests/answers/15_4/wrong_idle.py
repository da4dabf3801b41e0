"""Lets groups that want nothing keep their part."""
# says: idle_too


def split(groups, seconds):
    total = sum(g["weight"] for g in groups)
    return [min(seconds * g["weight"] / total,
                seconds if g["quota"] is None else g["quota"] * seconds) if g["busy"] else 0.0
            for g in groups]


because = "b"
