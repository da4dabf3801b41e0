// Workload: `processes` processes, each of which yields n times: on one hart, n context switches
// each. Every process checks that its registers survive.
#include "lib.h"

static int play(long n, long me)
{
    long kept = me;
    for (long i = 0; i < n; i++) {
        yield();
        kept = kept * 3 + me;           // lives in registers across the switches
        asm volatile("" : "+r"(kept));
    }
    long expected = me;
    for (long i = 0; i < n; i++)
        expected = expected * 3 + me;
    return kept != expected;
}

int main(const char *args)
{
    long n = find_number(args, "n", 5000), processes = find_number(args, "processes", 2);
    int status, wrong = 0;
    for (long i = 1; i < processes; i++)
        if (fork() == 0)
            exit(play(n, i));
    wrong += play(n, processes);
    while (wait(&status) > 0)
        wrong += status;
    say("pingpong: n=%ld processes=%ld wrong=%d\n", n, processes, wrong);
    return wrong;
}
