"""Chapter 05, shadow paging."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    PagingExplorer="views.explorer",
)
