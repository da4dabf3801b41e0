// What the kernel says, and its last words.
#include "kernel.h"

void print(const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    int n = format_text(line, sizeof line, format, args);
    va_end(args);
    sbi_console_write(line, n);
}

_Noreturn void panic(const char *why)
{
    print("labos: panic: %s\n", why);
    sbi_shutdown(1);
}

// From trap.S: nothing in the kernel may trap, so this is a bug in it.
_Noreturn void trap_in_kernel(u64 cause, u64 pc, u64 value)
{
    print("labos: trap in the kernel: cause %ld, pc %lx, stval %lx\n", cause, pc, value);
    panic("a kernel bug");
}
