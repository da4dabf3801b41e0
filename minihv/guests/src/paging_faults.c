/* paging_faults.c: the supervisor's trap handler. A fault is answered with a new page (demand
 * paging) or by setting A and D (where the hardware leaves that to software); otherwise a probe
 * learns that it failed, and a user program ends. */
#include "paging.h"

#define FRAMES 64

struct faults faults;
u8 kernel_stack[8192] __attribute__((aligned(16)));
static u8 frames[FRAMES][PAGE] __attribute__((aligned(4096)));
static int frames_used;

u8 *new_frame(void) {
    if (frames_used == FRAMES) {
        say("out of frames\n");
        finish(98);
    }
    return frames[frames_used++];
}

static void copy_page(u8 *to, const u8 *from) {
    for (u64 i = 0; i < PAGE; i++) to[i] = from[i];
    __asm__ volatile("fence.i" ::: "memory");
}

static int in_region(u64 va, u64 start) {
    return va - start < REGION_PAGES * PAGE;
}

/* Maps the missing page of a demand region: code for a fetch, else zeroed memory. */
static int map_on_demand(u64 cause, u64 va) {
    int user = in_region(va, USER);
    if (!user && !in_region(va, DEMAND)) return 0;
    u64 *pte = pte_of(va, 0);
    if (*pte & PTE_V) return 0;
    u8 *frame = new_frame();
    u64 flags = (user ? PTE_U : 0) | KERNEL_RW;
    if (cause == FETCH_FAULT) {
        copy_page(frame, user_page);
        flags = (user ? PTE_U : 0) | PTE_R | PTE_X | PTE_A;
    }
    map(va, (u64)frame, flags, 0);
    faults.demand[cause]++;
    return 1;
}

/* A valid leaf whose rights allow the access but whose A (or, for a store, D) is clear. */
static int set_accessed_dirty(u64 cause, u64 va) {
    if (!in_region(va, PROBES)) return 0;
    u64 *pte = pte_of(va, 0);
    u64 right = cause == LOAD_FAULT ? PTE_R : cause == STORE_FAULT ? PTE_W : PTE_X;
    u64 wanted = cause == STORE_FAULT ? PTE_A | PTE_D : PTE_A;
    if (!(*pte & PTE_V) || !(*pte & right) || (*pte & wanted) == wanted) return 0;
    *pte |= wanted;
    faults.accessed_dirty++;
    return 1;
}

static void end_user_program(void) {
    csr_set(sstatus, STATUS_SPP);
    csr_write(sepc, user_ended);
    csr_write(sscratch, kernel_stack + sizeof kernel_stack);    /* becomes sp again */
}

static void give_up(u64 cause, u64 va) {
    faults.cause = cause;
    faults.address = va;
    if (!(csr_read(sstatus) & STATUS_SPP)) end_user_program();
    else csr_write(sepc, cause == FETCH_FAULT ? probe_call_end : probe_end);
}

void handle_s_trap(struct frame *frame) {
    u64 cause = csr_read(scause), va = csr_read(stval);
    if (cause == ECALL_FROM_U) {
        if (frame->a[7] == 1) faults.user_sum = frame->a[0];
        csr_write(sepc, csr_read(sepc) + 4);
    } else if (cause != FETCH_FAULT && cause != LOAD_FAULT && cause != STORE_FAULT) {
        say("unexpected trap: scause 0x%lx, sepc 0x%lx, stval 0x%lx\n", cause, csr_read(sepc), va);
        finish(97);
    } else if (map_on_demand(cause, va) || set_accessed_dirty(cause, va)) {
        sfence();
    } else {
        give_up(cause, va);
    }
}
