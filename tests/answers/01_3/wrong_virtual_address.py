"""Returns the page that faulted."""
# says: virtual

from tests.answers.variants import variant

globals().update(variant("01.3", ("return address, wrong", "return va & ~4095, wrong")))
