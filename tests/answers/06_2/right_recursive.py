"""Asks what one more level of the guest costs."""


def count_references(guest, leaf, host, tables, page):
    if guest in (0, leaf):
        return host - page if host else 0
    one = 1 + (host - tables if host else 0)
    return one + count_references(guest - 1, leaf, host, tables, page)
