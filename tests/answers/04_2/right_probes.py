"""Other probes, with other exits: a page touched first, a wait."""

EXIT = """
        li   s5, 0x80009000
        lbu  s6, (s5)
        li   a7, 0x10
        li   a6, 3
        li   a0, 0x735049
        ecall
"""
STOP = "\nend: j end\n"
TAIL = "\nend: j end\n .balign 4\nthere: addi s3, s3, 7\n csrr s4, scause\nstay: j stay\n"
VECTOR = "la s2, there\n csrw stvec, s2\n"
PROBES = [
    ("timer", "li s2, -2\n csrw 0x14d, s2" + EXIT + "csrr s3, 0x14d" + STOP, "s3"),
    ("scratch", "csrwi sscratch, 9" + EXIT + "csrr s3, sscratch" + STOP, "s3"),
    ("enable", "csrwi sie, 2" + EXIT + "csrr s3, sie" + STOP, "s3"),
    ("status", "li s2, 1 << 19\n csrs sstatus, s2" + EXIT + "csrr s3, sstatus" + STOP, "s3"),
    ("htimedelta", EXIT + "csrr s3, time" + STOP, "s3"),
    ("vector", VECTOR + EXIT + "csrr s7, mscratch" + TAIL, "s3"),
    ("hvip", VECTOR + "csrwi sip, 2\n csrwi sie, 2" + EXIT + "csrsi sstatus, 2\n nop" + TAIL, "s3"),
    ("mode", VECTOR + "la s2, user\n csrw sepc, s2\n sret\nuser:\n li s5, 0x80009000\n"
     " ld s6, (s5)\n csrr s7, sepc\n li s8, 3" + TAIL, "s8"),
]


def find_fault(run, bare):
    for name, source, register in PROBES:
        if run(source).x[register] != bare(source).x[register]:
            return name
