"""Walks the grid square by square."""


def count_references(guest, leaf, host, tables, page):
    count = 0
    for _ in range(leaf, guest):
        for _ in range(tables, host):
            count += 1
        count += 1
    for _ in range(page, host):
        count += 1
    return count
