// mmap and munmap: zeroed on demand, partly unmapped, zeroed again.
#include "lib.h"

static int is_zero(const char *page, int size)
{
    for (int i = 0; i < size; i++)
        if (page[i])
            return 0;
    return 1;
}

// Runs an access in a child; its status: 0, or 128 + cause when it was killed.
static int try_write(volatile char *address)
{
    int pid = fork();
    if (pid == 0) {
        *address = 1;
        exit(0);
    }
    return wait_for(pid);
}

int main(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    char *a = mmap(0, 8 * PAGE, rw);
    check(a != FAILED && is_zero(a, 8 * PAGE), "new pages are zero");
    memset(a, 'x', 8 * PAGE);
    check(munmap(a + 2 * PAGE, 3 * PAGE) == 0, "unmap the middle");
    check(a[2 * PAGE - 1] == 'x' && a[5 * PAGE] == 'x', "the rest is still there");
    check(try_write(a + 3 * PAGE) == 128 + 15, "the middle is gone");
    check(mmap(a, PAGE, rw) == FAILED, "no mapping over a mapping");
    check(mmap(a + 2 * PAGE, 3 * PAGE, rw) == a + 2 * PAGE, "map the middle again");
    check(is_zero(a + 2 * PAGE, 3 * PAGE), "it is zero again");
    memset(a, 'y', 8 * PAGE);
    munmap(a + 2 * PAGE, 3 * PAGE);
    mmap(a + 2 * PAGE, 3 * PAGE, rw);
    check(is_zero(a + 2 * PAGE, 3 * PAGE), "and zero at once");
    char *far = (char *)0x30000000;
    check(mmap(far, 2 * PAGE, rw) == far && try_write(far) == 0, "an address of our choice");
    check(mmap(0, PAGE, PROT_WRITE) == FAILED, "write without read is refused");
    check(mmap((char *)0x3ffff000, 2 * PAGE, rw) == FAILED, "past the end is refused");
    check(mmap(0, 0, rw) == FAILED && mmap(a + 1, PAGE, rw) == FAILED, "bad sizes and addresses");
    check(munmap(0, -1) == -1, "unmapping everything is refused");
    check(munmap(a, 8 * PAGE) == 0 && munmap(a, 8 * PAGE) == 0, "unmapping twice is harmless");
    return failures;
}
