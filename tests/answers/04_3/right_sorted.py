"""Sorts, and does not round."""


def dominant(total, exits):
    reason, (count, each) = sorted(exits.items(), key=lambda item: -item[1][0] * item[1][1])[0]
    part = count * each / total
    return [reason, part * 100, 1 / (1 - part)]


because = "B"
