// SBI calls and the interrupts that are ours. SBI specification 2.0.
#include "firmware.h"

#define CAUSE_MACHINE_SOFTWARE (CAUSE_INTERRUPT | 3)
#define CAUSE_MACHINE_TIMER (CAUSE_INTERRUPT | 7)
#define CAUSE_ECALL_S 9

#define LEGACY_PUT 1
#define LEGACY_GET 2
#define BASE 0x10
#define TIME 0x54494d45
#define IPI 0x735049
#define RFENCE 0x52464e43
#define HSM 0x48534d
#define SRST 0x53525354
#define DBCN 0x4442434e

static struct answer error(s64 code) { return (struct answer){code, 0}; }
static struct answer value(s64 v) { return (struct answer){OK, v}; }

static int is_supported(u64 extension)
{
    return extension == BASE || extension == TIME || extension == IPI || extension == RFENCE ||
           extension == HSM || extension == SRST || extension == DBCN ||
           extension == LEGACY_PUT || extension == LEGACY_GET;
}

static struct answer base(u64 function, u64 argument)
{
    switch (function) {
    case 0: return value(0x2000000);    // specification 2.0
    case 3: return value(is_supported(argument));
    case 1: case 2: case 4: case 5: case 6: return value(0);
    default: return error(NOT_SUPPORTED);
    }
}

// The timer's interrupt comes to us (MTIP); we pass it on as the supervisor's (STIP).
static struct answer set_timer(u64 me, u64 deadline)
{
    MTIMECMP[me] = deadline;
    csr_clear(mip, MIP_STIP);
    csr_set(mie, MIP_MTIP);
    return value(0);
}

// Buffers are in memory, and not in ours.
static struct answer debug_console(u64 function, u64 *a)
{
    u8 *text = (u8 *)a[1];
    u64 done = 0;
    if (function == 2) {
        fw_putchar(a[0]);
        return value(0);
    }
    if (function > 2)
        return error(NOT_SUPPORTED);
    if (a[1] < KERNEL || a[1] + a[0] < a[1] || a[2])
        return error(INVALID_PARAM);
    if (function == 0)
        for (; done < a[0]; done++)
            fw_putchar(text[done]);
    else
        for (s64 byte; done < a[0] && (byte = fw_getchar()) >= 0; done++)
            text[done] = byte;
    return value(done);
}

static struct answer system_reset(u64 type, u64 reason)
{
    if (type != 0)
        return error(NOT_SUPPORTED);
    fw_finish(reason != 0);
}

static struct answer call(u64 me, u64 extension, u64 function, u64 *a)
{
    switch (extension) {
    case BASE: return base(function, a[0]);
    case DBCN: return debug_console(function, a);
    case TIME: return function == 0 ? set_timer(me, a[0]) : error(NOT_SUPPORTED);
    case IPI: return function == 0 ? fw_send_ipi(a[0], a[1]) : error(NOT_SUPPORTED);
    case RFENCE: return function <= 2 ? fw_remote_fence(me, a[0], a[1]) : error(NOT_SUPPORTED);
    case SRST: return function == 0 ? system_reset(a[0], a[1]) : error(NOT_SUPPORTED);
    case HSM:
        return function == 0   ? fw_hart_start(a[0], a[1], a[2])
               : function == 2 ? fw_hart_status(a[0])
                               : error(NOT_SUPPORTED);
    default: return error(NOT_SUPPORTED);
    }
}

// The legacy calls answer in a0 alone.
static void sbi(u64 me, struct registers *r)
{
    u64 extension = r->a[7];
    if (extension == LEGACY_PUT) {
        fw_putchar(r->a[0]);
        r->a[0] = 0;
    } else if (extension == LEGACY_GET) {
        r->a[0] = fw_getchar();
    } else {
        struct answer answer = call(me, extension, r->a[6], r->a);
        r->a[0] = answer.error;
        r->a[1] = answer.value;
    }
}

void fw_trap(struct registers *r)
{
    u64 me = csr_read(mhartid), cause = csr_read(mcause);
    if (cause == CAUSE_MACHINE_SOFTWARE) {
        fw_service(me);
    } else if (cause == CAUSE_MACHINE_TIMER) {
        csr_clear(mie, MIP_MTIP);
        csr_set(mip, MIP_STIP);
    } else if (cause == CAUSE_ECALL_S) {
        csr_write(mepc, csr_read(mepc) + 4);
        sbi(me, r);
    } else {
        for (const char *s = "firmware: unexpected trap\n"; *s; s++)
            fw_putchar(*s);
        fw_finish(1);
    }
}
