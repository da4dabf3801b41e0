// Workload: n times map `pages` pages, write to each, unmap them. Page tables change all the time.
#include "lib.h"

int main(const char *args)
{
    long n = find_number(args, "n", 1000), pages = find_number(args, "pages", 4), wrong = 0;
    for (long round = 0; round < n; round++) {
        long *area = (long *)mmap(0, pages * PAGE, PROT_READ | PROT_WRITE);
        if ((char *)area == FAILED) {
            say("churn: no memory\n");
            return 1;
        }
        for (long i = 0; i < pages * PAGE / 8; i += PAGE / 8)
            wrong += area[i] != 0, area[i] = round + 1;
        for (long i = 0; i < pages * PAGE / 8; i += PAGE / 8)
            wrong += area[i] != round + 1;
        munmap(area, pages * PAGE);
    }
    say("churn: n=%ld pages=%ld wrong=%ld\n", n, pages, wrong);
    return wrong != 0;
}
