/* bench.c: from reset to a workload in S-mode with Sv39 on. Addresses are mapped to themselves
 * by 4 KiB leaves with A and D already set, code read-execute, data read-write. Only
 * system calls go to S-mode; every other trap is an error. */
#include "bench.h"

extern u8 rodata_start[], data_start[], image_end[];

static void map_range(u64 start, u64 end, u64 flags) {
    for (u64 page = start; page < end; page += PAGE) map(page, page, flags | PTE_A | PTE_D, 0);
}

static void supervisor(void) {
    finish(run());
}

int main(void) {
    csr_write(mtvec, unexpected_trap);
    csr_write(medeleg, 1 << ECALL_FROM_U);
    open_pmp();
    map_range(RAM, (u64)rodata_start, PTE_R | PTE_X);
    map_range((u64)rodata_start, (u64)data_start, PTE_R);
    map_range((u64)data_start, (u64)image_end, PTE_R | PTE_W);
    map_range(UART, UART + PAGE, PTE_R | PTE_W);
    map_range(FINISHER, FINISHER + PAGE, PTE_R | PTE_W);
    csr_write(satp, satp_value());
    sfence();
    enter_s_mode(supervisor);
}
