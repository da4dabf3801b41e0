/* timer: interrupts. Machine timer interrupts through the CLINT, a machine software interrupt,
 * then supervisor ticks made the way kernels did before Sstc: machine mode takes the timer
 * interrupt and hands it down as a supervisor software interrupt. Between two interrupts the
 * hart sleeps in WFI. */
#include "guest.h"

#define TICKS 5
#define S_TICKS 3
#define PERIOD 10000ul              /* of mtime, at 10 MHz: 1 ms */
#define NEVER (-1ul)

static u8 m_stack[4096] __attribute__((aligned(16)));
static u8 s_stack[4096] __attribute__((aligned(16)));

/* What the handlers leave for the program that waits. */
static volatile struct {
    u64 count, cause, mtime, instret;
} seen;

static int passing_down;            /* the timer's interrupts go to S-mode */

static void note(u64 cause) {
    seen.cause = cause;
    seen.count++;
}

/* M-mode: the timer's interrupt is pending until mtimecmp moves, the software one until msip
 * is cleared. An ecall from S-mode sets the timer: a0 = deadline. */
void handle_m_trap(struct frame *frame) {
    u64 cause = csr_read(mcause);
    if (cause == (INTERRUPT | MTI)) {
        seen.mtime = MMIO64(MTIME);
        seen.instret = csr_read(minstret);
        MMIO64(MTIMECMP) = NEVER;
        if (passing_down) csr_set(mip, 1 << SSI);
        else note(cause);
    } else if (cause == (INTERRUPT | MSI)) {
        MMIO32(MSIP) = 0;
        note(cause);
    } else if (cause == ECALL_FROM_S) {
        MMIO64(MTIMECMP) = frame->a[0];
        csr_write(mepc, csr_read(mepc) + 4);
    } else {
        unexpected_trap();
    }
}

void handle_s_trap(struct frame *frame) {
    (void)frame;
    csr_clear(sip, 1 << SSI);
    note(csr_read(scause));
}

static void set_timer(u64 deadline) {
    register u64 a0 __asm__("a0") = deadline;
    __asm__ volatile("ecall" :: "r"(a0) : "memory");
}

/* WFI returns for a pending interrupt even while interrupts are off, so no wake-up is lost
 * between looking at the count and going to sleep. */
#define WAIT_FOR(n, status, enable)             \
    while (seen.count < (n)) {                  \
        wfi();                                  \
        csr_set(status, enable);                \
        csr_clear(status, enable);              \
    }

static void report(const char *who, u64 n, u64 deadline, u64 instret) {
    say("%s %lu: cause 0x%lx, mtime %lu past the deadline, instret +%lu\n", who, n, seen.cause,
        seen.mtime - deadline, seen.instret - instret);
    if ((long)(seen.mtime - deadline) < 0) {
        say("FAIL: the interrupt came before its time\n");
        finish(1);
    }
}

static void expect_cause(u64 cause) {
    if (seen.cause == cause) return;
    say("FAIL: cause 0x%lx, expected 0x%lx\n", seen.cause, cause);
    finish(2);
}

static void supervisor(void) {
    csr_write(stvec, s_trap_vector);
    csr_write(sscratch, s_stack + sizeof s_stack);
    csr_set(sie, 1 << SSI);
    seen.count = 0;
    for (u64 n = 1; n <= S_TICKS; n++) {
        u64 deadline = csr_read(time) + PERIOD, instret = csr_read(instret);
        set_timer(deadline);
        WAIT_FOR(n, sstatus, STATUS_SIE);
        report("supervisor tick", n, deadline, instret);
        expect_cause(INTERRUPT | SSI);
    }
    say("timer: all interrupts came, in order\n");
    finish(0);
}

static void machine_timer(void) {
    csr_set(mie, 1 << MTI);
    for (u64 n = 1; n <= TICKS; n++) {
        u64 deadline = MMIO64(MTIME) + PERIOD, instret = csr_read(minstret);
        MMIO64(MTIMECMP) = deadline;
        WAIT_FOR(n, mstatus, STATUS_MIE);
        report("machine tick", n, deadline, instret);
        expect_cause(INTERRUPT | MTI);
    }
}

static void machine_software(void) {
    seen.count = 0;
    csr_set(mie, 1 << MSI);
    MMIO32(MSIP) = 1;               /* a hart may interrupt itself */
    WAIT_FOR(1, mstatus, STATUS_MIE);
    say("machine software interrupt: cause 0x%lx\n", seen.cause);
    expect_cause(INTERRUPT | MSI);
}

int main(void) {
    csr_write(mtvec, m_trap_vector);
    csr_write(mscratch, m_stack + sizeof m_stack);
    MMIO64(MTIMECMP) = NEVER;
    machine_timer();
    machine_software();

    open_pmp();
    csr_write(mideleg, 1 << SSI);
    csr_write(mcounteren, 7);       /* S-mode may read cycle, time and instret */
    passing_down = 1;
    enter_s_mode(supervisor);
}
