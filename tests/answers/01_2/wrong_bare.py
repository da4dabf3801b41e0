"""Takes any satp for Sv39."""
# says: bare

from tests.answers.variants import variant

globals().update(variant("01.2", ("priv == 3 or satp >> 60 == 0", "priv == 3")))
