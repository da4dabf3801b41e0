"""Collects all and takes the smallest."""


def break_even(rows, updates, shadow, nested):
    winners = []
    for pages, accesses, misses in rows:
        total = [10**6 * misses * miss + updates * accesses * update
                 for miss, update in (shadow, nested)]
        if total[0] <= total[1]:
            winners.append(pages)
    return min(winners, default=None)


because = "b"
