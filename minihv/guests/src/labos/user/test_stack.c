// The stack grows on demand to 64 KiB; below it there is nothing.
#include "lib.h"

static int deep(int kib)
{
    volatile char frame[1024];
    frame[0] = (char)kib;
    return kib > 1 ? deep(kib - 1) + (frame[0] == (char)kib) : 1;
}

int main(void)
{
    int pid = fork();
    if (pid == 0)
        exit(deep(48) == 48 ? 0 : 1);
    check(wait_for(pid) == 0, "48 KiB of stack");
    pid = fork();
    if (pid == 0) {
        *(volatile char *)0x1effff = 1;
        exit(0);
    }
    check(wait_for(pid) == 128 + 15, "below the stack");
    return failures;
}
