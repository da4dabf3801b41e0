// Workload: n page faults for zeroed pages, `pages` of them in each mapping.
#include "lib.h"

int main(const char *args)
{
    long n = find_number(args, "n", 2000), pages = find_number(args, "pages", 256);
    long done = 0, nonzero = 0;
    while (done < n) {
        long count = n - done < pages ? n - done : pages;
        char *area = mmap(0, count * PAGE, PROT_READ | PROT_WRITE);
        if (area == FAILED) {
            say("faults: no memory\n");
            return 1;
        }
        for (long i = 0; i < count; i++) {
            nonzero += area[i * PAGE + 8];          // a read fault in one half,
            area[i * PAGE + (i & 1) * 16] = 1;      // then D set where A was
        }
        munmap(area, count * PAGE);
        done += count;
    }
    say("faults: n=%ld pages=%ld nonzero=%ld\n", n, pages, nonzero);
    return nonzero != 0;
}
