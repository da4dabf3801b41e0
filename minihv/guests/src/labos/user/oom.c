// Takes all memory in a child, which is killed for it, and looks whether it came back.
#include "lib.h"

static void take_all(void)
{
    for (;;) {
        char *page = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE);
        if (page == FAILED)
            exit(1);
        for (int i = 0; i < 64; i++)
            page[i * PAGE] = 1;
    }
}

int main(void)
{
    int pid = fork();
    if (pid == 0)
        take_all();
    check(wait_for(pid) != 0, "a child that takes all memory fails");
    check(run("echo", "  all memory is back") == 0, "another program runs");
    return failures;
}
