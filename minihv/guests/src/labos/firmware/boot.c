// Power on: what the kernel may do without us, and what memory is ours. Then the kernel starts.
#include "firmware.h"

#define DELEGATED_EXCEPTIONS 0xb1fful   // all that arise in U-mode, and page faults
#define DELEGATED_INTERRUPTS 0x222ul    // the supervisor's: software, timer, external

#define PMP_NAPOT 0x18ul
#define PMP_RWX 7ul

// The first 2 MiB are closed to S- and U-mode, the rest of the world is open: the first of the
// two entries that matches decides.
static void protect_firmware(void)
{
    csr_write(pmpaddr0, (KERNEL - 0x200000) >> 2 | (0x200000 / 8 - 1));
    csr_write(pmpaddr1, -1ul >> 10);
    csr_write(pmpcfg0, (PMP_NAPOT | PMP_RWX) << 8 | PMP_NAPOT);
}

_Noreturn void fw_boot(u64 hart, u64 device_tree)
{
    csr_write(mtvec, fw_trap_entry);
    csr_write(medeleg, DELEGATED_EXCEPTIONS & ~(1ul << 9));
    csr_write(mideleg, DELEGATED_INTERRUPTS);
    csr_write(mcounteren, 7);           // the kernel may read cycle, time and instret
    csr_write(satp, 0);
    protect_firmware();
    csr_clear(mstatus, MSTATUS_MPP);
    csr_set(mstatus, MSTATUS_MPP_S);
    csr_write(mie, MIP_MSIP);
    if (hart != 0)
        fw_hart_wait(hart);
    fw_find_harts();
    fw_enter_kernel(hart, device_tree, KERNEL);
}
