"""Whole clones as dictionaries, before and after."""


def everything(one):
    return {(part, n): one.read(part, n) for part, size in one.parts.items() for n in range(size)}


def find_shared(make):
    other = make()
    clean = everything(other)
    spoiler = make()
    for (part, n), value in clean.items():
        spoiler.write(part, n, value + 1000)
    for seen in (everything(other), everything(make())):
        for place, value in seen.items():
            if value != clean[place]:
                return place[0]
    return None
