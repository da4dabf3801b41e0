// Workload: n system calls that do nothing.
#include "lib.h"

int main(const char *args)
{
    long n = find_number(args, "n", 20000), right = 0;
    int pid = getpid();
    for (long i = 0; i < n; i++)
        right += getpid() == pid;
    say("syscalls: n=%ld right=%ld\n", n, right);
    return right != n;
}
