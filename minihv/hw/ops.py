"""The operations of the run loop: what a decoded instruction's low byte can say.

An instruction that also exists in 16 bits has two operations, because a constant step to the next
instruction lets the processor that runs us run ahead, where a step read from the decoded word
would have to be waited for. A branch has a near form (the target lies in the same page, the
immediate counts halfwords) and a far one, and the far form's number is the near one's plus one.
"""

from __future__ import annotations

from minihv.hw.isa import INSTRUCTIONS
from minihv.hw.semantics import BRANCH, IMMEDIATE, LOAD, REGISTER, STORE

_SHORT = {row.base for row in INSTRUCTIONS if row.base} - {"jal", "ebreak"}

OPS: list[str] = ["undecoded", "illegal", "system", "atomic", "fence", "region"]
for _name in [*BRANCH, "jal", "j"]:
    OPS += [_name, _name + ".far"]
    if _name in _SHORT:
        OPS += [_name + ".c", _name + ".c.far"]
FIRST_BRANCH = OPS.index("beq")
LAST_BRANCH = len(OPS) - 1
for _name in ["jalr", "lui", "auipc", *LOAD, *STORE, *IMMEDIATE, *REGISTER]:
    OPS.append(_name)
    if _name in _SHORT:
        OPS.append(_name + ".c")

NUMBER = {name: number for number, name in enumerate(OPS)}
UNDECODED, ILLEGAL_OP, SYSTEM, ATOMIC, FENCE, REGION = range(6)
JAL, J = NUMBER["jal"], NUMBER["j"]


def _operation(name: str, extension: str) -> str:
    if extension == "A":
        return "atomic"
    if extension in ("Zicsr", "privileged", "Zifencei", "H") or name in ("ecall", "ebreak"):
        return "system"
    return name


OP_BY_NAME = {
    row.name: NUMBER[_operation(row.name, row.extension)] for row in INSTRUCTIONS if not row.base
}
OP_SHORT = {name: NUMBER[name + ".c"] for name in _SHORT}
OP_LOADS_RAW = {SYSTEM, ATOMIC}  # these keep the whole instruction word as their immediate
