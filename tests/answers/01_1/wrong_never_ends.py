"""Gives the program more to do at each interrupt."""
# says: never_ends

from tests.answers.variants import variant

globals().update(variant(
    "01.1",
    ('        addi  t2, t2, 1\n        sd    t2, 0(t1)\n        li ',
     '        addi  t2, t2, 1\n        sd    t2, 0(t1)\n        addi  s0, s0, 1000\n'
     '        li '),
))
