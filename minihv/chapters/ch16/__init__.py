"""Chapter 16, VM or container."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    StacksView="views.stacks",
    Fleet="beside.host",
    Store="beside.store",
    start="beside.store",
)
