// sleep and gettime. Nothing here depends on how fast the machine is.
#include "lib.h"

int main(void)
{
    unsigned long before = gettime(), last = before;
    int backwards = 0;
    sleep(20000);
    check(gettime() - before >= 20000, "sleep is long enough");
    for (int i = 0; i < 100; i++) {
        unsigned long now = gettime();
        backwards += now < last;
        last = now;
    }
    check(!backwards, "time does not run backwards");
    sleep(0);
    check(1, "sleep for no time");
    for (int i = 3; i > 0; i--)
        if (fork() == 0) {              // the last one made has the least to sleep
            sleep(i * 100 * TICKS_PER_MS);
            say("  child %d wakes\n", i);
            exit(i);
        }
    int order = 0, status;
    while (wait(&status) > 0)
        order = order * 10 + status;
    check(order == 123, "sleepers wake in the order of their times");
    return failures;
}
