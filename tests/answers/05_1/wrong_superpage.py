"""Maps the beginning of a superpage."""
# says: superpage

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('<< 12 & ~inside | gva & inside',
     '<< 12 & ~inside'),
))
