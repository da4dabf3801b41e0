"""Fills rd first."""
# says: same

from tests.answers.variants import variant

globals().update(variant("02.1",
    ("    old, operand = cpu.csr[name], field if immediate else cpu.x[field]\n",
     """    old = cpu.csr[name]
    if rd == field and rd:
        cpu.x[rd] = old
    operand = field if immediate else cpu.x[field]
""")))
