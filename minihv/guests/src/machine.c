/* machine.c: what a program in M-mode does before and when it drops to S-mode. */
#include "guest.h"

/* Lets S- and U-mode touch all of memory: one naturally aligned region, R W X (PMP, 3.7.1).
 * Without it they may touch nothing, because a PMP entry that matches no address forbids it. */
void open_pmp(void) {
    csr_write(pmpaddr0, -1ul >> 10);
    csr_write(pmpcfg0, 0x1f);
}

void enter_s_mode(void (*entry)(void)) {
    csr_clear(mstatus, STATUS_MPP);
    csr_set(mstatus, STATUS_MPP_S);
    csr_write(mepc, entry);
    __asm__ volatile("mret");
    __builtin_unreachable();
}

/* Also usable as mtvec itself, by a program that expects no trap: it never returns. */
void unexpected_trap(void) {
    say("unexpected trap: mcause 0x%lx, mepc 0x%lx, mtval 0x%lx\n",
        csr_read(mcause), csr_read(mepc), csr_read(mtval));
    finish(99);
}
