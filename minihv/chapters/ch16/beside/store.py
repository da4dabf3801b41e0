"""Exercise 16.5's control plane, a toy of XenStore.

A tree of names, in which each instance watches some, and every write is told to every watcher
whose name is a beginning of what was written. What is counted is messages, so that a measurement
is exact.
"""


class Store:
    """A tree of names with watches; `messages` counts writes and what they caused to be told."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.watches: list[str] = []
        self.messages = 0

    def write(self, name: str, value: str) -> None:
        """Store a value; every watch on a beginning of the name is told."""
        self.names[name] = value
        self.messages += 1 + sum(name.startswith(watch) for watch in self.watches)

    def watch(self, name: str) -> None:
        """Be told of every write below `name`."""
        self.watches.append(name)
        self.messages += 1


def start(store: Store, number: int, watched: str = "/vm/") -> int:
    """Start instance `number` by the store; the messages that it took."""
    before = store.messages
    for key in ("name", "memory", "console", "state"):
        store.write(f"/vm/{number}/{key}", "x")
    store.watch(watched.format(number))
    return store.messages - before
