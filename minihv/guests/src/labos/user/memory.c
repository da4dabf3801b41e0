// Workload: n random reads and writes in a working set of `pages` pages. Each page is touched
// once first, so that no page faults follow: what is left is the cost of translation.
#include "lib.h"

int main(const char *args)
{
    unsigned long n = find_number(args, "n", 200000), pages = find_number(args, "pages", 512);
    unsigned long random = find_number(args, "seed", 1), words = pages * PAGE / 8, sum = 0;
    unsigned long *area = (unsigned long *)mmap(0, pages * PAGE, PROT_READ | PROT_WRITE);
    if ((char *)area == FAILED || !pages) {
        say("memory: no memory\n");
        return 1;
    }
    for (unsigned long page = 0; page < pages; page++)
        area[page * PAGE / 8] = page;
    for (unsigned long i = 0; i < n; i++) {
        random = random * 6364136223846793005ul + 1442695040888963407ul;
        unsigned long *word = &area[(random >> 32) * words >> 32];
        sum = sum * 31 + *word;
        *word = sum ^ random;
    }
    say("memory: n=%lu pages=%lu sum=%lx\n", n, pages, sum);
    return 0;
}
