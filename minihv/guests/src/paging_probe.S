# One access each, at the address in a0. The fault handler resumes a failed access at the end of
# its probe: nothing but the access itself lies between, so returning from there is safe.
    .text
    .globl probe_load, probe_store, probe_call, probe_end, probe_call_end, enter_user
probe_load:
    ld a0, (a0)
    ret
probe_store:
    sd a1, (a0)
probe_end:
    ret
probe_call:
    addi sp, sp, -16
    sd ra, 8(sp)
    jalr a0
probe_call_end:
    ld ra, 8(sp)
    addi sp, sp, 16
    ret

# enter_user(pc, sp): sret into U-mode (the caller has cleared sstatus.SPP).
enter_user:
    csrw sepc, a0
    mv sp, a1
    sret
