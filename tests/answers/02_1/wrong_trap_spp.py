"""Forgets who was interrupted."""
# says: trap_spp

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('| SPP * cpu.mode',
     '')))
