"""Takes every page for 4 KiB."""
# says: small_pages

from tests.answers.variants import variant

globals().update(variant("01.4", ("va >> page_bits", "va >> 12")))
