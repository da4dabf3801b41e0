// The kernel's only way to the machine: calls to the SBI below it (firmware, or a hypervisor).
// SBI specification 2.0; the two legacy console calls serve where the debug console is missing.
#include "kernel.h"

#define BASE 0x10
#define TIME 0x54494d45
#define IPI 0x735049
#define RFENCE 0x52464e43
#define HSM 0x48534d
#define SRST 0x53525354
#define DBCN 0x4442434e
#define LEGACY_PUT 1
#define LEGACY_GET 2

struct result { s64 error, value; };

static int has_debug_console;

static struct result call(u64 extension, u64 function, u64 x, u64 y, u64 z, u64 w)
{
    register u64 a0 asm("a0") = x, a1 asm("a1") = y, a2 asm("a2") = z, a3 asm("a3") = w;
    register u64 a6 asm("a6") = function, a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct result){a0, a1};
}

void sbi_init(void)
{
    has_debug_console = call(BASE, 3, DBCN, 0, 0, 0).value != 0;
}

void sbi_console_write(const char *text, u64 size)
{
    while (has_debug_console && size) {         // it may take less than we offer
        struct result r = call(DBCN, 0, size, (u64)text, 0, 0);
        if (r.error)
            return;
        text += r.value, size -= r.value;
    }
    for (; size; size--)
        call(LEGACY_PUT, 0, (u8)*text++, 0, 0, 0);
}

// One byte of input, or -1 when none has arrived. Does not wait.
int sbi_console_read(void)
{
    u8 byte;
    if (!has_debug_console)
        return (int)call(LEGACY_GET, 0, 0, 0, 0, 0).error;
    struct result r = call(DBCN, 1, 1, (u64)&byte, 0, 0);
    return !r.error && r.value == 1 ? byte : -1;
}

void sbi_set_timer(u64 deadline) { call(TIME, 0, deadline, 0, 0, 0); }

void sbi_send_ipi(u64 hart) { call(IPI, 0, 1ul << hart, 0, 0, 0); }

void sbi_remote_fence_i(u64 hart_mask) { call(RFENCE, 0, hart_mask, 0, 0, 0); }

void sbi_remote_sfence(u64 hart_mask, u64 va, u64 size)
{
    call(RFENCE, 1, hart_mask, 0, va, size);
}

int sbi_hart_exists(u64 hart) { return call(HSM, 2, hart, 0, 0, 0).error == 0; }

void sbi_hart_start(u64 hart, u64 pc, u64 opaque) { call(HSM, 0, hart, pc, opaque, 0); }

// Power off; the reason "system failure" becomes the machine's exit status.
_Noreturn void sbi_shutdown(int failed)
{
    call(SRST, 0, 0, failed != 0, 0, 0);
    for (;;)
        wait_for_interrupt();
}
