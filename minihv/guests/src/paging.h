/* paging.h: what the parts of the paging guest share. */
#pragma once
#include "guest.h"

/* Virtual addresses.
 *
 *   0x0010_0000  4 KiB  test finisher        0x4000_0000  2 MiB  window onto WINDOW_PA
 *   0x1000_0000  4 KiB  serial port          0x5000_0000  4 KiB  on demand, for the kernel
 *   0x8000_0000  1 GiB  kernel and all RAM   0x5010_0000  4 KiB  pages made for one check each
 *   0xc000_0000  1 GiB  the same RAM again   0x6000_0000  4 KiB  on demand, for the user program
 */
#define WINDOW_PA    0x80400000ul
#define WINDOW       0x40000000ul
#define DEMAND       0x50000000ul
#define PROBES       0x50100000ul
#define ALIAS        0xc0000000ul
#define USER         0x60000000ul
#define USER_STACK   0x60010000ul   /* its top; the page below is mapped on demand */
#define USER_ARRAY   0x60020000ul
#define REGION_PAGES 256ul          /* of DEMAND and of USER */

#define KERNEL_RW (PTE_R | PTE_W | PTE_A | PTE_D)

/* paging_faults.c: the supervisor's fault handler and what it has seen. */
struct faults {
    u64 demand[16];                 /* faults answered with a new page, by cause */
    u64 accessed_dirty;             /* faults answered by setting A or D (hardware without Svadu) */
    u64 cause, address;             /* the last fault that nobody could answer; cause 0: none */
    u64 user_sum;                   /* what the user program reported */
};
extern struct faults faults;
extern u8 kernel_stack[8192];
u8 *new_frame(void);                /* a zeroed 4 KiB frame; its va equals its pa */

/* paging_probe.S: one access each. When the fault handler cannot answer the fault, the probe
 * returns early and faults.cause tells. */
u64 probe_load(u64 va);
void probe_store(u64 va, u64 value);
u64 probe_call(u64 va);             /* calls the code at va and returns its result */
extern u8 probe_end[], probe_call_end[];

/* paging_user.S: the user program, one page, mapped at USER; returns_42: two instructions. */
extern u8 user_page[];
extern u8 returns_42[];
void enter_user(u64 pc, u64 sp) __attribute__((noreturn));

/* paging.c: where the kernel goes on when the user program has ended. */
void user_ended(void);
