// Copy-on-write: after fork neither side sees what the other writes.
#include "lib.h"

#define PAGES 32
static int data[PAGES][PAGE / sizeof(int)];

static void fill(int value)
{
    for (int i = 0; i < PAGES; i++)
        data[i][i] = value + i;
}

static int holds(int value)
{
    for (int i = 0; i < PAGES; i++)
        if (data[i][i] != value + i)
            return 0;
    return 1;
}

// What the parent writes right after the fork, without a look at anything else before.
static void mark_ends(int mark)
{
    for (int i = 0; i < PAGES; i++)
        data[i][PAGE / sizeof(int) - 1] = mark;
}

static int ends_are(int mark)
{
    for (int i = 0; i < PAGES; i++)
        if (data[i][PAGE / sizeof(int) - 1] != mark)
            return 0;
    return 1;
}

// Child and grandchild write, each its own value, and look again after the others have run.
static int child(void)
{
    int inherited = holds(100) && ends_are(1), grandchild = fork();
    fill(grandchild ? 200 : 300);
    for (int i = 0; i < 5; i++)
        yield();
    int kept = holds(grandchild ? 200 : 300);
    if (!grandchild)
        exit(kept ? 0 : 1);
    return inherited && kept && wait_for(grandchild) == 0 ? 0 : 1;
}

// A system call that writes to a shared page must copy it, too.
static int status_lands_in_own_page(void)
{
    static int status = 5;
    int pid = fork();
    if (pid == 0) {
        int inner = fork();
        if (inner == 0)
            exit(9);
        while (wait(&status) != inner)
            ;
        exit(status);
    }
    int result = wait_for(pid);
    return result == 9 && status == 5;
}

int main(void)
{
    fill(100);
    mark_ends(1);
    int pid = fork();
    if (pid == 0)
        exit(child());
    mark_ends(2);
    check(wait_for(pid) == 0, "child and grandchild keep their own pages");
    check(holds(100) && ends_are(2), "the parent's pages are unchanged");
    check(status_lands_in_own_page(), "the kernel's writes copy as well");
    fill(400);
    check(holds(400), "the last owner writes again");
    return failures;
}
