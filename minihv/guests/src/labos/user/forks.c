// Workload: n children, `live` at a time; each writes to `pages` pages that it shares, and exits.
#include "lib.h"

int main(const char *args)
{
    long n = find_number(args, "n", 100), live = find_number(args, "live", 4);
    long pages = find_number(args, "pages", 4), made = 0, ended = 0, sum = 0, want = 0;
    int status;
    char *area = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE);
    if (area == FAILED) {
        say("forks: no memory\n");
        return 1;
    }
    for (long i = 0; i < pages; i++)
        area[i * PAGE] = 1;
    for (; ended < n; ended++) {
        for (; made < n && made - ended < live; made++) {
            int pid = fork();
            if (pid == 0) {
                int mine = 0;
                for (long i = 0; i < pages; i++)
                    mine += area[i * PAGE]++;
                exit((mine + made) & 63);
            }
            if (pid < 0) {
                say("forks: cannot fork\n");
                return 1;
            }
            want += (pages + made) & 63;
        }
        wait(&status);
        sum += status;
    }
    say("forks: n=%ld live=%ld pages=%ld sum=%ld\n", n, live, pages, sum);
    return sum != want;
}
