"""Looks for what is not there."""
# says: error_at


def first_wrong(events, base, size, offset):
    return events[0]["hpa"]
