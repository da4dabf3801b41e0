// write: results, bad addresses, text that crosses a page.
#include "lib.h"

#define KERNEL ((char *)0x80200000)

int main(void)
{
    char *two_pages = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE);
    memcpy(two_pages + PAGE - 5, "  across a page\n", 16);
    check(write(two_pages + PAGE - 5, 16) == 16, "text across two pages");
    check(write("", 0) == 0, "nothing to write");
    check(write(0, 1) == -1, "no page there");
    check(write(KERNEL, 1) == -1, "the kernel's memory");
    check(write((char *)-1, 2) == -1, "the end of the address space");
    say("  %s %d %u %x %ld %c%c\n", "formats", -5, 4000000000u, 0xbeef,
        (long)(1ul << 63), '4', '2');
    return failures;
}
