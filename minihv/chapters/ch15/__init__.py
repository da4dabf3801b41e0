"""Chapter 15, namespaces."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    NamespaceView="views.namespaces",
)
