"""Takes 12 bits of offset at every level."""
# says: superpage

from tests.answers.variants import variant

globals().update(variant("01.2", ("page | va & inside", "page | va & 4095")))
