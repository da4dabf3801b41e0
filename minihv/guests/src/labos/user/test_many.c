// As many processes as there is room for, twice.
#include "lib.h"

static int fill(void)
{
    int made = 0, pid, status, ended = 0;
    while ((pid = fork()) > 0)
        made++;
    if (pid == 0) {
        sleep(1000);
        exit(0);
    }
    while (wait(&status) > 0)
        ended += status == 0;
    return made == ended ? made : -1;
}

int main(void)
{
    int first = fill();
    check(first == 62, "room for 62 more");
    check(fill() == first, "and once more");
    return failures;
}
