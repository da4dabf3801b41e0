"""By the chapter's formula, and what differs from it."""


def count_references(guest, leaf, host, tables, page):
    n = max(guest - leaf, 0) if guest else 0
    m = host - tables if host else 0
    last = host - page if host else 0
    return (n + 1) * (m + 1) - 1 - m + last
