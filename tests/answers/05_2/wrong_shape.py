"""Returns the event itself."""
# says: shape


def first_wrong(events, offset):
    return events[0]
