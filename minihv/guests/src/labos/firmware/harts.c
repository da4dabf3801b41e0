// Harts: who exists, starting them, interrupting them, fences on them.
//
// A hart is told something by setting its bits in a mailbox and then its MSIP; it looks into the
// mailbox (fw_service) whenever MSIP has interrupted it, and while it waits for others itself.
#include "firmware.h"

enum { STARTED, STOPPED, START_PENDING };

static struct {
    int exists, state;
    u64 pc, opaque;                     // where to start
    u32 ipi;                            // the kernel wants a software interrupt
    u32 fence_for;                      // bit h: hart h waits for our fence
    u32 awaited;                        // harts whose fence we wait for
} harts[FIRMWARE_HARTS];

static int set_bits(u32 *word, u32 bits)
{
    return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
}

static u32 take(u32 *word) { return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST); }

int fw_hart_exists(u64 hart) { return hart < FIRMWARE_HARTS && harts[hart].exists; }

// A hart that exists has a timer; where there is none, the register reads as 0.
void fw_find_harts(void)
{
    for (u64 hart = 0; hart < FIRMWARE_HARTS; hart++) {
        MTIMECMP[hart] = -1ul;
        harts[hart].exists = MTIMECMP[hart] == -1ul;
        harts[hart].state = hart == 0 ? STARTED : STOPPED;
    }
}

struct answer fw_hart_start(u64 hart, u64 pc, u64 opaque)
{
    if (!fw_hart_exists(hart) || pc < KERNEL)
        return (struct answer){INVALID_PARAM, 0};
    if (harts[hart].state != STOPPED)
        return (struct answer){ALREADY_AVAILABLE, 0};
    harts[hart].pc = pc;
    harts[hart].opaque = opaque;
    __atomic_store_n(&harts[hart].state, START_PENDING, __ATOMIC_RELEASE);
    MSIP[hart] = 1;
    return (struct answer){OK, 0};
}

struct answer fw_hart_status(u64 hart)
{
    if (!fw_hart_exists(hart))
        return (struct answer){INVALID_PARAM, 0};
    return (struct answer){OK, __atomic_load_n(&harts[hart].state, __ATOMIC_ACQUIRE)};
}

// A stopped hart: interrupts are off in M-mode, so MSIP ends the wfi and does not trap.
_Noreturn void fw_hart_wait(u64 me)
{
    while (__atomic_load_n(&harts[me].state, __ATOMIC_ACQUIRE) != START_PENDING) {
        wait_for_interrupt();
        fw_service(me);
    }
    __atomic_store_n(&harts[me].state, STARTED, __ATOMIC_RELEASE);
    asm volatile("fence.i\n sfence.vma" ::: "memory");
    fw_enter_kernel(me, harts[me].opaque, harts[me].pc);
}

// Empties this hart's mailbox. The fences come before the answer.
void fw_service(u64 me)
{
    MSIP[me] = 0;
    if (take(&harts[me].ipi))
        csr_set(mip, MIP_SSIP);
    u32 waiting = take(&harts[me].fence_for);
    if (!waiting)
        return;
    asm volatile("fence.i\n sfence.vma" ::: "memory");
    for (u64 hart = 0; hart < FIRMWARE_HARTS; hart++)
        if (waiting >> hart & 1)
            __atomic_fetch_sub(&harts[hart].awaited, 1, __ATOMIC_SEQ_CST);
}

// SBI's way to name harts: bit i of mask is hart base + i; base -1 means all of them.
// Returns a mask from hart 0, or 0 when it names one that does not exist.
static u64 harts_of(u64 mask, u64 base)
{
    u64 all = 0;
    for (u64 hart = 0; hart < FIRMWARE_HARTS; hart++)
        all |= (u64)harts[hart].exists << hart;
    if (base == -1ul)
        return all;
    return base < FIRMWARE_HARTS && !(mask << base & ~all) ? mask << base : 0;
}

struct answer fw_send_ipi(u64 mask, u64 base)
{
    u64 targets = harts_of(mask, base);
    if (!targets && mask)
        return (struct answer){INVALID_PARAM, 0};
    for (u64 hart = 0; hart < FIRMWARE_HARTS; hart++)
        if (targets >> hart & 1) {
            set_bits(&harts[hart].ipi, 1);
            MSIP[hart] = 1;
        }
    return (struct answer){OK, 0};
}

// Does a full fence.i and sfence.vma on the harts, whatever part of it the caller needs. While it
// waits it answers the others: two harts may want fences of each other at the same time.
struct answer fw_remote_fence(u64 me, u64 mask, u64 base)
{
    u64 targets = harts_of(mask, base);
    if (!targets && mask)
        return (struct answer){INVALID_PARAM, 0};
    for (u64 hart = 0; hart < FIRMWARE_HARTS; hart++)
        if (targets >> hart & 1) {
            __atomic_fetch_add(&harts[me].awaited, 1, __ATOMIC_SEQ_CST);
            set_bits(&harts[hart].fence_for, 1u << me);
            MSIP[hart] = 1;
        }
    while (__atomic_load_n(&harts[me].awaited, __ATOMIC_SEQ_CST))
        if (__atomic_load_n(&harts[me].fence_for, __ATOMIC_SEQ_CST))
            fw_service(me);
    return (struct answer){OK, 0};
}
