"""Looks only at clones that are there already."""
# says: missed_late

from tests.answers.variants import variant

globals().update(variant("16.3", (' or after.read(part, index) == written', '')))
