"""Returns True or False."""
# says: shape


def first_wrong(events, base, size, offset):
    return "none"
