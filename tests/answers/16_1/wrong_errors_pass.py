"""Only a kill stops a call."""
# says: not_killed

from tests.answers.variants import variant

globals().update(variant("16.1", ('in (ALLOW, LOG)]', '!= 0x80000000]')))
