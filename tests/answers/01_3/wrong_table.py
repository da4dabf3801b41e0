"""Returns where the table begins."""
# says: table

from tests.answers.variants import variant

globals().update(variant("01.3", ("return address, wrong", "return table, wrong")))
