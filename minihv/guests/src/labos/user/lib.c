// The user side of a system call, and a few helpers that several programs use.
#include "lib.h"

static long call(long number, long a, long b, long c)
{
    register long a0 asm("a0") = a, a1 asm("a1") = b, a2 asm("a2") = c, a7 asm("a7") = number;
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

long write(const char *text, long size) { return call(CALL_WRITE, (long)text, size, 0); }
long read(char *text, long size) { return call(CALL_READ, (long)text, size, 0); }
int fork(void) { return (int)call(CALL_FORK, 0, 0, 0); }
long exec(const char *name, const char *args)
{
    return call(CALL_EXEC, (long)name, (long)args, 0);
}
int wait(int *status) { return (int)call(CALL_WAIT, (long)status, 0, 0); }
char *mmap(void *address, long size, int protection)
{
    return (char *)call(CALL_MMAP, (long)address, size, protection);
}
int munmap(void *address, long size) { return (int)call(CALL_MUNMAP, (long)address, size, 0); }
void yield(void) { call(CALL_YIELD, 0, 0, 0); }
void sleep(unsigned long ticks) { call(CALL_SLEEP, (long)ticks, 0, 0); }
unsigned long gettime(void) { return (unsigned long)call(CALL_GETTIME, 0, 0, 0); }
int getpid(void) { return (int)call(CALL_GETPID, 0, 0, 0); }
_Noreturn void exit(int status)
{
    call(CALL_EXIT, status, 0, 0);
    __builtin_unreachable();
}

// One line in one write: lines of several processes do not mix.
void say(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = format_text(line, sizeof line, format, args);
    va_end(args);
    write(line, n);
}

// The status of one child; others that end meanwhile are buried and forgotten.
int wait_for(int pid)
{
    int status = -1, ended;
    while ((ended = wait(&status)) != pid)
        if (ended < 0)
            return -1;
    return status;
}

// Runs a program in a child and returns its status.
int run(const char *name, const char *args)
{
    int pid = fork();
    if (pid == 0) {
        exec(name, args);
        exit(NO_PROGRAM);
    }
    return pid < 0 ? -1 : wait_for(pid);
}

int failures;

// A test's program returns `failures` from main.
void check(int ok, const char *what)
{
    say("  %s %s\n", ok ? "ok   " : "WRONG", what);
    failures += !ok;
}
