"""Chapter 04, hardware assistance."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
)
