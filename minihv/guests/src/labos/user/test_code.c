// Code that a program writes itself: after fence.i the new instructions run.
#include "lib.h"

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

// li a0, value; ret
static void write_code(unsigned *code, int value)
{
    code[0] = 0x00000513u | (unsigned)value << 20;
    code[1] = 0x00008067u;
    asm volatile("fence.i" ::: "memory");
}

static int run_code(const unsigned *code) { return ((int (*)(void))code)(); }

static int rewritten(unsigned *code)
{
    int wrong = 0;
    for (int i = 0; i < 50; i++) {
        write_code(code, i);
        wrong += run_code(code) != i;
        if (i % 10 == 0)
            yield();                    // perhaps to another hart
    }
    return wrong;
}

// The same address, each time with another page behind it.
static int remapped(void)
{
    int wrong = 0;
    char *keep[10];
    for (int i = 0; i < 10; i++) {
        unsigned *code = (unsigned *)mmap((char *)0x400000, PAGE, RWX);
        write_code(code, 100 + i);
        wrong += run_code(code) != 100 + i;
        munmap((char *)code, PAGE);
        keep[i] = mmap((char *)0x500000 + i * PAGE, PAGE, PROT_READ | PROT_WRITE);
        keep[i][0] = 1;                 // takes the page that was just freed
    }
    return wrong;
}

// After fork both sides have the same code; each rewrites its own.
static int forked(unsigned *code)
{
    write_code(code, 7);
    int child = fork();
    if (child == 0) {
        int before = run_code(code);
        write_code(code, 8);
        exit(before == 7 && run_code(code) == 8 ? 0 : 1);
    }
    int status = wait_for(child);
    return status != 0 || run_code(code) != 7;
}

int main(void)
{
    unsigned *code = (unsigned *)mmap(0, PAGE, RWX);
    check(rewritten(code) == 0, "rewritten in place");
    check(remapped() == 0, "another page at the same address");
    check(forked(code) == 0, "rewritten by a child");
    return failures;
}
