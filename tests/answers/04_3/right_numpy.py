"""With numpy."""

import numpy as np


def dominant(total, exits):
    names = list(exits)
    spent = np.array([exits[name] for name in names]).prod(axis=1)
    k = int(spent.argmax())
    return names[k], float(100 * spent[k] / total), float(total / (total - spent[k]))


because = " b"
