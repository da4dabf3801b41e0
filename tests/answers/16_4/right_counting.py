"""By halving: the largest fleet that still fits."""


def fits(fleet, n):
    busy = n * (fleet.idle + fleet.rate * fleet.request) * fleet.lifetime + n * fleet.start
    memory = fleet.shared + n * fleet.each <= fleet.free
    return memory, busy <= fleet.cores * 1_000_000 * fleet.lifetime


def bound(fleet):
    low, high = 0, 1 << 40
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if all(fits(fleet, middle)) else (low, middle)
    if not fits(fleet, high)[0]:
        return "memory", low
    starts = fleet.start / fleet.lifetime
    requests = fleet.rate * fleet.request
    if fleet.idle > max(starts, requests):
        return "idle", low
    return ("starts", low) if starts > requests else ("requests", low)
