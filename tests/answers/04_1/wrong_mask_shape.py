"""Returns one mask."""
# says: mask_shape

from tests.answers.variants import variant

globals().update(variant("04.1",
    ("    return (sum(1 << cause for cause in own),",
     "    return (sum(1 << cause for cause in own))"),
    ("            sum(1 << number for number in {2, 6, 10} - set(interrupts)))", "")))
