// The firmware: M-mode code below the kernel in labos-m.elf. It gives the kernel the SBI that
// elsewhere OpenSBI or a hypervisor gives. It owns the first 2 MiB of memory.
#pragma once
#include "riscv.h"

#define KERNEL 0x80200000ul
#define FIRMWARE_HARTS 4

// Devices of the `virt` board.
#define FINISHER ((volatile u32 *)0x100000)
#define MSIP ((volatile u32 *)0x2000000)        // by hart: writing 1 interrupts it
#define MTIMECMP ((volatile u64 *)0x2004000)    // by hart: interrupt when mtime reaches it
#define UART ((volatile u8 *)0x10000000)

#define MSTATUS_MPP (3ul << 11)
#define MSTATUS_MPP_S (1ul << 11)
#define MSTATUS_MPIE (1ul << 7)
#define MIP_SSIP (1ul << 1)
#define MIP_MSIP (1ul << 3)
#define MIP_STIP (1ul << 5)
#define MIP_MTIP (1ul << 7)

// The registers that C may change, saved by entry.S on the hart's stack.
struct registers { u64 ra, t[7], a[8]; };

// SBI error codes.
#define OK 0
#define NOT_SUPPORTED (-2)
#define INVALID_PARAM (-3)
#define ALREADY_AVAILABLE (-6)

struct answer { s64 error, value; };

// harts.c
int fw_hart_exists(u64 hart);
void fw_find_harts(void);
struct answer fw_hart_start(u64 hart, u64 pc, u64 opaque);
struct answer fw_hart_status(u64 hart);
_Noreturn void fw_hart_wait(u64 me);
struct answer fw_send_ipi(u64 mask, u64 base);
struct answer fw_remote_fence(u64 me, u64 mask, u64 base);
void fw_service(u64 me);
// console.c
s64 fw_getchar(void);
void fw_putchar(u8 byte);
_Noreturn void fw_finish(int failed);
// entry.S
void fw_trap_entry(void);
_Noreturn void fw_enter_kernel(u64 hart, u64 argument, u64 pc);
