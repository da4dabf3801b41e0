"""Delegates what the chapter's own hypervisor does, and keeps access faults."""

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('{0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15}',
     '{0, 2, 3, 4, 6, 8, 12, 13, 15}')))
