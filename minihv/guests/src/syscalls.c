/* syscalls: a user program that makes a million system calls to a supervisor which answers each
 * one. All of it stays inside the guest: traps from U to S that concern no host. */
#include "bench.h"

#define CALLS 1000000

extern u8 user_program[];           /* syscalls_user.S */

static u8 s_stack[4096] __attribute__((aligned(16)));
static u64 calls;

/* a7 = 0: returns a0 + 1.  a7 = 1: ends, a0 = the sum that the program has counted. */
void handle_s_trap(struct frame *frame) {
    if (csr_read(scause) != ECALL_FROM_U) {
        say("unexpected trap: scause 0x%lx, sepc 0x%lx\n", csr_read(scause), csr_read(sepc));
        finish(97);
    }
    if (frame->a[7] == 1) {
        say("syscalls: %lu calls answered, the program counted %lu\n", calls, frame->a[0]);
        finish(calls != CALLS || frame->a[0] != CALLS);
    }
    calls++;
    frame->a[0]++;
    csr_write(sepc, csr_read(sepc) + 4);
}

int run(void) {
    u64 page = (u64)user_program;
    map(page, page, PTE_R | PTE_X | PTE_U | PTE_A, 0);
    sfence();
    csr_write(stvec, s_trap_vector);
    csr_write(sscratch, s_stack + sizeof s_stack);
    csr_clear(sstatus, STATUS_SPP);
    csr_write(sepc, user_program);
    __asm__ volatile("li a0, 0\n li s0, %0\n sret" :: "i"(CALLS));
    __builtin_unreachable();
}
