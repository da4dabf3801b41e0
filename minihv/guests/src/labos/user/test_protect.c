// Whoever touches what is not theirs is killed, and nobody else notices.
#include "lib.h"

#define KERNEL 0x80200000ul

static int data[4] = {0x13};            // nop: code, but not in an executable page

static void jump_to(unsigned long address) { asm volatile("jr %0" :: "r"(address)); }
static void read_null(void) { *(volatile char *)8; }
static void read_kernel(void) { *(volatile char *)KERNEL; }
static void write_kernel(void) { *(volatile char *)KERNEL = 1; }
static void write_code(void) { *(volatile char *)0x10000 = 1; }
static void run_data(void) { jump_to((unsigned long)data); }
static void run_kernel(void) { jump_to(KERNEL); }
static void privileged(void) { asm volatile("csrr t0, sstatus"); }
static void return_to_user(void) { asm volatile("sret"); }
static void fence(void) { asm volatile("sfence.vma"); }
static void breakpoint(void) { asm volatile("ebreak"); }
static void not_canonical(void) { *(volatile char *)(1ul << 40); }

static void try(void (*bad)(void), int cause, const char *what)
{
    int pid = fork();
    if (pid == 0) {
        bad();
        exit(0);
    }
    check(wait_for(pid) == 128 + cause, what);
}

int main(void)
{
    try(read_null, 13, "read near 0");
    try(read_kernel, 13, "read the kernel");
    try(write_kernel, 15, "write to the kernel");
    try(write_code, 15, "write to code");
    try(run_data, 12, "execute data");
    try(run_kernel, 12, "execute the kernel");
    try(privileged, 2, "read a control register");
    try(return_to_user, 2, "sret");
    try(fence, 2, "sfence.vma");
    try(breakpoint, 3, "ebreak");
    try(not_canonical, 13, "an address beyond 39 bits");
    register long number asm("a7") = 99, result asm("a0") = 0;
    asm volatile("ecall" : "+r"(result) : "r"(number) : "memory");
    check(result == -1, "an unknown system call");
    return failures;
}
