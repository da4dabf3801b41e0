"""Memory-mapped I/O: a load or store that left RAM, carried out on the bus.

The hart has stopped before the instruction, and says in ACCESS_* what it was about to do.
"""

from __future__ import annotations

from minihv.hw import state as st
from minihv.hw.access import extend
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault, Bus
from minihv.hw.hart import Hart


def access(bus: Bus, hart: Hart) -> bool:
    """Carry the access out and step over the instruction; False if it ends in a trap instead."""
    s = hart.s
    kind, address = s[st.ACCESS_KIND], s[st.ACCESS_ADDRESS]
    size = 1 << (kind & 3)
    store = s[st.ACCESS_RD] < 0
    try:
        if store:
            bus.write(address, size, s[st.ACCESS_VALUE] & MASK64)
        else:
            value = bus.read(address, size)
            s[s[st.ACCESS_RD]] = extend(value - (value >> 63 << 64), kind)
    except AccessFault:
        hart.take_trap(st.STORE_ACCESS if store else st.LOAD_ACCESS, s[st.TVAL], s[st.GUEST_VA])
        return False
    hart.retire(s[st.LENGTH])
    return True
