"""Divides by the host's levels."""
# says: error_at


def count_references(guest, leaf, host, tables, page):
    return (guest - leaf) * host // host
