"""Returns part and cell."""
# says: shape


def find_shared(make):
    return "console", 3
