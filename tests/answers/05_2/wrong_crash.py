"""Looks for the gva of every fence."""
# says: error_at


def first_wrong(events, offset):
    for number, event in enumerate(events):
        if event["gva"] + event["space"] < 0:
            return number
    return None
