"""The operations of the run loop: what a decoded instruction's low byte can say.

An instruction that also exists in 16 bits has two operations, because a constant step to the next
instruction lets the processor that runs us run ahead, whereas it would have to wait for a step
read from the decoded word. A branch has a near form (the target lies in the same page, the
immediate counts halfwords) and a far one; the far form's number is the near one's plus one.
"""

from __future__ import annotations

from minihv.hw.isa import INSTRUCTIONS
from minihv.hw.semantics import MEANING
from minihv.hw.shapes import Kind, Meaning

_OUTSIDE = {Kind.ATOMIC: "atomic", Kind.SYSTEM: "system"}  # one operation for all of these
_DIRECT = (Kind.BRANCH, Kind.CALL, Kind.JUMP)
_SHORT = {row.base for row in INSTRUCTIONS if row.base} - {"jal", "ebreak"}

OPS: list[str] = ["undecoded", "illegal", "system", "atomic", "fence", "region"]
UNDECODED, ILLEGAL_OP, SYSTEM, ATOMIC, FENCE, REGION = range(6)
for _name in sorted(MEANING, key=lambda name: MEANING[name].kind not in _DIRECT):  # these first
    if _name in OPS or MEANING[_name].kind in _OUTSIDE:
        continue
    for _form in (_name, _name + ".c") if _name in _SHORT else (_name,):
        OPS += [_form, _form + ".far"] if MEANING[_name].kind in _DIRECT else [_form]
NUMBER = {name: number for number, name in enumerate(OPS)}
JAL, J = NUMBER["jal"], NUMBER["j"]
FIRST_BRANCH = REGION + 1
LAST_BRANCH = max(number for name, number in NUMBER.items() if name.endswith(".far"))
MEANING_OF: list[Meaning | None] = [MEANING.get(name.split(".")[0]) for name in OPS]

OP_BY_NAME = {
    name: NUMBER[_OUTSIDE.get(meaning.kind, name)] for name, meaning in MEANING.items()
}
OP_SHORT = {name: NUMBER[name + ".c"] for name in _SHORT}
OP_LOADS_RAW = {SYSTEM, ATOMIC}  # these keep the whole instruction word as their immediate
