"""Chapter 01, the machine: privilege, traps, paging, the TLB."""

from minihv.chapters import names

__getattr__, __dir__ = names(
    __name__,
    PageWalkView="views.walk",
    TrapTimeline="views.timeline",
    Event="views.record",
    record_traps="views.record",
    trace="accesses",
)
