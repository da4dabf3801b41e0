"""Forgets the wanted interrupts."""
# says: interrupts

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('{2, 6, 10} - set(interrupts)',
     '{2, 6, 10}')))
