"""Never blames memory."""
# says: why_memory

from tests.answers.variants import variant

globals().update(variant("16.4", ('return "memory", by_memory', 'return "idle", by_memory')))
