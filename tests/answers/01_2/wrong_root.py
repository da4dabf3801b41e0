"""Leaves the address space number in the root's address."""
# says: plain

from tests.answers.variants import variant

globals().update(variant("01.2", ("(satp & (1 << 44) - 1) << 12", "satp << 12 & (1 << 60) - 1")))
