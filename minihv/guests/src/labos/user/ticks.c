// Workload: n timer interrupts: sleeps of `every` ticks each, with nothing else to do between.
// (For interrupts into a busy process: workload=compute quantum=1000.)
#include "lib.h"

int main(const char *args)
{
    long n = find_number(args, "n", 200), early = 0;
    unsigned long every = find_number(args, "every", 1000), last = gettime();
    for (long i = 0; i < n; i++) {
        sleep(every);
        unsigned long now = gettime();
        early += now - last < every;
        last = now;
    }
    say("ticks: n=%ld every=%lu early=%ld\n", n, every, early);
    return early != 0;
}
