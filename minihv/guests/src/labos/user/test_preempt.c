// A process that never calls the kernel does not keep the hart to itself. On a machine whose clock
// is a real one, spin=MILLISECONDS allows for a busy host.
#include "lib.h"

#define SPINNERS 2

static void spin(unsigned long end)
{
    while (gettime() < end)
        for (volatile int i = 0; i < 100000; i++)
            ;
    exit(1);
}

int main(const char *args)
{
    long spin_ms = find_number(args, "spin", 25);       // more than SPINNERS slices of 10 ms
    unsigned long end = gettime() + spin_ms * TICKS_PER_MS;
    for (int i = 0; i < SPINNERS; i++)
        if (fork() == 0)
            spin(end);
    sleep(1000);
    check(gettime() < end, "a sleeper wakes between processes that spin");
    int ended = 0, status;
    while (wait(&status) > 0)
        ended += status;
    check(ended == SPINNERS, "they all end");
    return failures;
}
