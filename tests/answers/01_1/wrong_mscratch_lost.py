"""Reads mscratch and never swaps it back."""
# says: mscratch

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        csrrw t0, mscratch, t0
        mret''', '''\
        csrrw t0, mscratch, x0
        mret'''), ('''\
        csrrw t0, mscratch, t0      # t0: the save area; mscratch: the program's t0
''', '''\
        csrw  mscratch, t0
        la    t0, mine
'''), ('''\
        .balign 4
''', '''\
        .data
    mine: .dword 0, 0
        .text
        .balign 4
''')))
