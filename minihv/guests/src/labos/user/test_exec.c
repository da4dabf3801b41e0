// exec: arguments arrive, failure changes nothing, new code in old pages runs.
#include "lib.h"

int main(void)
{
    check(run("echo", "  one  two") == 0, "echo");
    check(run("echo", "") == 0, "no arguments");
    check(exec("nothing", "") == -1, "no such program");
    check(exec("a name that is too long", "") == -1, "too long a name");
    check(exec(0, "") == -1 && exec("echo", 0) == -1, "bad addresses");
    int sum = 0;                        // two programs take turns in the same pages
    for (int i = 0; i < 4; i++)
        sum += run("fail", i % 2 ? "status=10" : "status=1") * 100 + run("echo", "  again");
    check(sum == 2200, "programs take turns");
    return failures;
}
