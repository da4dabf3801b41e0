"""Collects one probe a suspect, and names the only one that fires (clock as the last)."""

STOP = "\nend: j end\n"
USER = """
        la   t0, handler
        csrw stvec, t0
        la   t0, user
        csrw sepc, t0
        li   t0, 0x100
        csrc sstatus, t0
        sret
        .balign 4
handler: csrr a0, sepc
        csrr a1, scause
end:    j    end
user:"""
PAGED = """
        la   t0, handler
        csrw stvec, t0
        li   t0, 0x80004000
        li   t1, 0x200000CF
        sd   t1, 16(t0)
        sd   t1, 24(t0)
        li   t1, 8 << 60 | 0x80004
        csrw satp, t1
        li   t2, 0xC0000000
        ld   a3, (t2)
        sd   zero, 24(t0)
        sfence.vma
        ld   a3, (t2)
        li   a4, 1
end:    j    end
        .balign 4
handler: csrr a2, stval
stay:   j    stay"""
SRET = "la t0, there\n csrw sepc, t0\n li t0, 0x120\n csrs sstatus, t0\n sret\nthere:"
PROBES = {
    "clear": ("li t0, 3\n csrw sscratch, t0\n li t0, 1\n csrc sscratch, t0" + STOP,
              "csr", "sscratch"),
    "new": ("li t0, 3\n csrw sscratch, t0\n csrrw a0, sscratch, zero" + STOP, "x", "a0"),
    "immediate": ("csrwi sscratch, 30" + STOP, "csr", "sscratch"),
    "mode": (SRET + " li a0, 1\n csrr a1, scause" + STOP, "csr", "scause"),
    "interrupts": (SRET + STOP, "csr", "sstatus"),
    "sepc": (USER + " ecall", "x", "a0"),
    "privilege": (USER + " csrr a5, sscratch\n ecall", "x", "a1"),
    "fence": (PAGED, "x", "a4"),
    "stval": (PAGED, "x", "a2"),
}


def find_fault(run, bare):
    for name, (source, kind, register) in PROBES.items():
        if getattr(run(source), kind)[register] != getattr(bare(source), kind)[register]:
            return name
    return "clock"
