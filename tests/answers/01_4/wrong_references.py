"""Takes every walk for three references."""
# says: references

from tests.answers.variants import variant

globals().update(variant("01.4", ("misses * ((39 - page_bits) // 9)", "misses * 3")))
