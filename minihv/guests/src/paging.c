/* paging: Sv39 by experiment. Starts in M-mode, builds page tables with leaves of all three
 * sizes, drops to S-mode with satp on, takes page faults and answers them, tries each protection
 * rule, then runs a user program that owns no page until it touches it. Prints each check and
 * ends with a failure when one went wrong (privileged specification, 4.3.2 and 4.4). */
#include "paging.h"

#define READ_WRITE_EXECUTE (PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)

static u8 trap_stack[8192] __attribute__((aligned(16)));
static u64 failures;

static void check(int passed, const char *what) {
    say("  %s  %s\n", passed ? "ok  " : "FAIL", what);
    failures += !passed;
}

/* Whether the access just probed failed with this fault at this address; forgets the fault. */
static int faulted(u64 cause, u64 va) {
    int matches = faults.cause == cause && faults.address == va;
    faults.cause = 0;
    return matches;
}

static int load_faults(u64 va) {
    probe_load(va);
    return faulted(LOAD_FAULT, va);
}

static int store_faults(u64 va) {
    probe_store(va, 1);
    return faulted(STORE_FAULT, va);
}

static int fetch_faults(u64 va) {
    probe_call(va);
    return faulted(FETCH_FAULT, va);
}

static u64 probe_page(u64 flags) {
    static u64 next = PROBES;
    u8 *frame = new_frame();
    for (int i = 0; i < 8; i++) frame[i] = returns_42[i];
    __asm__ volatile("fence.i" ::: "memory");
    map(next, (u64)frame, flags, 0);
    sfence();
    next += PAGE;
    return next - PAGE;
}

static void leaves(void) {
    static volatile u64 word;
    say("leaves\n");
    probe_store((u64)&word, 0x1234);
    check(probe_load(ALIAS + ((u64)&word - RAM)) == 0x1234, "1 GiB: the alias shows the same RAM");
    probe_store(WINDOW + 0x123458, 0x5678);
    check(*(volatile u64 *)(WINDOW_PA + 0x123458) == 0x5678, "2 MiB: a store lands in its frame");
    *pte_of(WINDOW, 1) |= 1ul << 10;
    sfence();
    check(load_faults(WINDOW), "2 MiB: a misaligned superpage faults");
    check(faults.cause == 0 && load_faults(1ul << 39), "an address that is not canonical faults");
}

static void demand(void) {
    say("demand paging\n");
    check(probe_load(DEMAND) == 0 && faults.demand[LOAD_FAULT] == 1, "a load gets a page of zeros");
    probe_store(DEMAND + PAGE, 77);
    check(probe_load(DEMAND + PAGE) == 77 && faults.demand[STORE_FAULT] == 1,
          "a store gets a page and is retried");
    u64 code = DEMAND + 2 * PAGE + (returns_42 - user_page);
    check(probe_call(code) == 42 && faults.demand[FETCH_FAULT] == 1, "a fetch gets a page of code");
    probe_store(DEMAND + PAGE + 8, 1);
    check(faults.demand[STORE_FAULT] == 1, "a page that is there faults no more");
    map(DEMAND, (u64)new_frame(), KERNEL_RW, 0);
    *pte_of(DEMAND + PAGE, 0) = *pte_of(DEMAND, 0);
    sfence();
    probe_store(DEMAND + PAGE, 99);
    check(probe_load(DEMAND) == 99, "after sfence.vma two addresses share a frame");
}

static void accessed_and_dirty(void) {
    u64 page = probe_page(PTE_R | PTE_W), *pte = pte_of(page, 0);
    say("A and D bits\n");
    probe_load(page);
    check((*pte & (PTE_A | PTE_D)) == PTE_A && !faults.cause, "a load sets A and leaves D");
    probe_store(page, 1);
    check((*pte & (PTE_A | PTE_D)) == (PTE_A | PTE_D) && !faults.cause, "a store sets D");
    say("  by   %s\n", faults.accessed_dirty ? "the fault handler (Svade)" : "the hardware");
}

static void protection(void) {
    say("protection\n");
    u64 page = probe_page(PTE_R | PTE_A | PTE_D);
    check(store_faults(page), "a store to a read-only page faults");
    check(fetch_faults(page), "a fetch from a page without X faults");
    check(load_faults(probe_page(PTE_W | PTE_A | PTE_D)), "W without R is reserved and faults");

    page = probe_page(PTE_X | PTE_A | PTE_D);
    check(load_faults(page), "a load from an execute-only page faults");
    csr_set(sstatus, STATUS_MXR);
    u64 value = probe_load(page);
    csr_clear(sstatus, STATUS_MXR);
    check(value && !faults.cause, "  and with MXR succeeds");
    check(probe_call(page) == 42 && !faults.cause, "  and a fetch succeeds");

    page = probe_page(READ_WRITE_EXECUTE | PTE_U);
    check(load_faults(page), "S-mode cannot load from a user page");
    csr_set(sstatus, STATUS_SUM);
    check(fetch_faults(page), "  and cannot fetch from it even with SUM");
    probe_store(page + 8, 5);
    check(probe_load(page + 8) == 5 && !faults.cause, "  but with SUM can load and store");
    csr_clear(sstatus, STATUS_SUM);
}

void user_ended(void) {
    say("user program\n");
    check(faults.user_sum == 36, "ran in U-mode and summed 8 pages to 36");
    check(faults.demand[FETCH_FAULT] == 2, "1 page of code mapped on demand");
    check(faults.demand[STORE_FAULT] == 10, "9 pages of data mapped on demand");
    check(faulted(LOAD_FAULT, RAM), "ended by a load from the kernel's memory");
    say(failures ? "paging: %lu checks FAILED\n" : "paging: all checks passed\n", failures);
    finish(failures != 0);
}

static void supervisor(void) {
    csr_write(stvec, s_trap_vector);
    csr_write(sscratch, trap_stack + sizeof trap_stack);
    leaves();
    demand();
    accessed_and_dirty();
    protection();
    csr_clear(sstatus, STATUS_SPP);
    enter_user(USER, USER_STACK);
}

int main(void) {
    csr_write(mtvec, unexpected_trap);
    csr_write(medeleg, 1 << ECALL_FROM_U | 1 << FETCH_FAULT | 1 << LOAD_FAULT | 1 << STORE_FAULT);
    open_pmp();
    map(RAM, RAM, READ_WRITE_EXECUTE, 2);
    map(ALIAS, RAM, KERNEL_RW, 2);
    map(WINDOW, WINDOW_PA, KERNEL_RW, 1);
    map(UART, UART, KERNEL_RW, 0);
    map(FINISHER, FINISHER, KERNEL_RW, 0);
    csr_write(satp, satp_value());
    sfence();
    enter_s_mode(supervisor);
}
