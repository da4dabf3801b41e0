"""Chapter 06, nested paging."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    WalkGrid="views.grid",
)
