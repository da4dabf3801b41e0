"""Returns a float."""
# says: shape


def count_references(guest, leaf, host, tables, page):
    return 15.0
