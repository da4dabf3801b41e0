/* sbi.c: output and the off switch of a guest that runs in S-mode over firmware. Every call is
 * an ecall into M-mode: a7 names the extension, a6 the function (SBI specification 2.0, 3). */
#include "guest.h"

#define BASE 0x10
#define PROBE_EXTENSION 3
#define DBCN 0x4442434e             /* debug console, since SBI 2.0 */
#define CONSOLE_WRITE_BYTE 2
#define LEGACY_PUTCHAR 1            /* what older firmware offers instead */
#define SRST 0x53525354             /* system reset */
#define SYSTEM_RESET 0
#define SHUTDOWN 0
#define SYSTEM_FAILURE 1

struct sbi_result {
    long error;
    long value;
};

static struct sbi_result sbi(u64 extension, u64 function, u64 first, u64 second) {
    register u64 a0 __asm__("a0") = first;
    register u64 a1 __asm__("a1") = second;
    register u64 a6 __asm__("a6") = function;
    register u64 a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(long)a0, (long)a1};
}

static int has_debug_console(void) {
    static int known = -1;
    if (known < 0) known = sbi(BASE, PROBE_EXTENSION, DBCN, 0).value != 0;
    return known;
}

const char *console_name(void) {
    return has_debug_console() ? "debug console" : "legacy console";
}

void put(char c) {
    if (has_debug_console()) sbi(DBCN, CONSOLE_WRITE_BYTE, (u8)c, 0);
    else sbi(LEGACY_PUTCHAR, 0, (u8)c, 0);
}

void finish(int status) {
    sbi(SRST, SYSTEM_RESET, SHUTDOWN, status ? SYSTEM_FAILURE : 0);
    for (;;) wfi();
}
