"""With a loop."""


def dominant(total, exits):
    most, found = -1, None
    for reason in exits:
        count, each = exits[reason]
        if count * each > most:
            most, found = count * each, reason
    return found, 100.0 * most / total, total / (total - most)


because = "b"
