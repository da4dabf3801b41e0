// The first process. Its arguments are the machine's boot arguments:
//   shell                             the shell
//   workload=NAME or run=NAME         that program, with all of the arguments
//   otherwise                         the self tests
// and in either case:
//   copies=N                          N of the program at the same time
//   timed                             say how long it took, in ticks
// The machine powers off when it returns, and fails when it returns non-zero.
#include "lib.h"

static const char *const tests[] = {
    "test_write", "test_registers", "test_fork", "test_cow", "test_mmap", "test_exec",
    "test_code", "test_protect", "test_stack", "test_sleep", "test_preempt", "test_many",
};
#define TESTS ((int)(sizeof tests / sizeof *tests))

static int self_test(const char *args)
{
    int failed = 0;
    for (int i = 0; i < TESTS; i++) {
        say("%s\n", tests[i]);
        int status = run(tests[i], args);
        if (status)
            say("%s failed: %d\n", tests[i], status);
        failed += status != 0;
    }
    say("%d of %d tests passed\n", TESTS - failed, TESTS);
    return failed;
}

static int run_copies(const char *name, const char *args)
{
    long copies = find_number(args, "copies", 1);
    int worst = 0, status;
    for (int i = 0; i < copies; i++) {
        int pid = fork();
        if (pid == 0) {
            exec(name, args);
            say("init: no program %s\n", name);
            exit(NO_PROGRAM);
        }
        if (pid < 0)
            say("init: cannot fork\n"), worst = 1;
    }
    while (wait(&status) > 0)
        worst = status ? status : worst;
    return worst;
}

int main(const char *args)
{
    char name[16];
    unsigned long start = gettime();
    int status;
    if (find_word(args, "shell", name, sizeof name))
        status = run("sh", args);
    else if (find_word(args, "workload", name, sizeof name) ||
             find_word(args, "run", name, sizeof name))
        status = run_copies(name, args);
    else
        status = self_test(args);
    if (find_number(args, "timed", 0))
        say("init: %lu ticks\n", gettime() - start);
    return status;
}
