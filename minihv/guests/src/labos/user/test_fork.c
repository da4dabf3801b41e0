// fork, exit, wait: pids and statuses, orphans.
#include "lib.h"

static int many_children(int n)
{
    int sum = 0, status;
    for (int i = 1; i <= n; i++)
        if (fork() == 0)
            exit(i);
    for (int i = 0; i < n; i++)
        sum += wait(&status) > 0 ? status : 1000;
    return sum;
}

// A tree of processes, each the sum of its two children's statuses.
static int tree(int depth)
{
    int left, right;
    if (depth == 0)
        return 1;
    if ((left = fork()) == 0)
        exit(tree(depth - 1));
    int sum = wait_for(left);
    if ((right = fork()) == 0)
        exit(tree(depth - 1));
    return sum + wait_for(right);
}

int main(void)
{
    int me = getpid(), child = fork();
    if (child == 0)
        exit(getpid() != me ? 7 : 8);
    check(child > 0 && child != me, "the child has a pid of its own");
    check(wait_for(child) == 7, "its status arrives");
    check(wait(0) == -1, "no child is left");
    check(many_children(10) == 55, "ten children at once");
    check(tree(4) == 16, "a tree of processes");
    if ((child = fork()) == 0) {
        if (fork() == 0)
            sleep(100);                 // its parent is gone by then
        exit(0);
    }
    check(wait_for(child) == 0, "a child leaves an orphan");
    check(wait((int *)0x80200000) == -1, "wait with a bad address");
    return failures;
}
