"""Returns the whole row."""
# says: shape

because = "b"


def break_even(rows, updates, shadow, nested):
    return rows[0]
