"""Chapter 02, trap and emulate."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    Bench="bench",
    spellings="bench",
    sets="views.sets",
    outcome="comparison",
    ExitView="views.exits",
    record_exits="views.record",
    boot="beside.cpu",
)
