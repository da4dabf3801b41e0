"""Takes VS's own numbers."""
# says: one_left

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('{2, 6, 10} - set(interrupts)',
     '{1, 5, 9} - {n - 1 for n in interrupts}')))
