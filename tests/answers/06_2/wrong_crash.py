"""Divides by the host's levels."""
# says: error_at


def count_references(guest, leaf, host, tables, page):
    own = guest - leaf
    return own * (host - tables + 1) * host // host + host - page
