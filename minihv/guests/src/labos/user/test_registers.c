// Every register survives an interrupt, a system call and a switch to another process.
#include "lib.h"

// long keep(long seed, long spins): fills every register but sp, a0 and a7 with seed + its number,
// counts down, yields, and looks. 0 when all are still there, else a register's number.
asm(R"(
.text
.balign 4
keep:
    addi    sp, sp, -128
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd      s\n, \n * 8 (sp)
    .endr
    sd      ra, 96(sp)
    sd      gp, 104(sp)
    sd      tp, 112(sp)
    sd      a0, 120(sp)
    mv      a7, a1
    .irp    n, 1,3,4,5,6,7,8,9,11,12,13,14,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    addi    x\n, a0, \n
    .endr
1:  addi    a7, a7, -1
    bnez    a7, 1b
    li      a7, 9                       # CALL_YIELD
    ecall
    ld      a0, 120(sp)
    .irp    n, 1,3,4,5,6,7,8,9,11,12,13,14,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    addi    a7, a0, \n
    xor     a7, a7, x\n
    beqz    a7, 2f
    li      a0, \n
    j       3f
2:
    .endr
    li      a0, 0
3:  .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld      s\n, \n * 8 (sp)
    .endr
    ld      ra, 96(sp)
    ld      gp, 104(sp)
    ld      tp, 112(sp)
    addi    sp, sp, 128
    ret
)");

long keep(long seed, long spins);

static int keep_often(long seed)
{
    long lost = 0;
    for (int i = 0; i < 20 && !lost; i++)
        lost = keep((seed << 32) + i, 2000);
    return (int)lost;
}

int main(void)
{
    int child = fork();
    if (child == 0)
        exit(keep_often(1000));
    int lost = keep_often(2000);
    check(lost == 0, "the parent's registers");
    check(wait_for(child) == 0, "the child's registers");
    return failures;
}
