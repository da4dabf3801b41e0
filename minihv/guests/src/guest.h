/* guest.h: what every guest program except hello shares: integer types, the board's addresses,
 * the CSRs' fields and the few functions of board.c, sbi.c, say.c and sv39.c. */
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

/* The board: QEMU's `virt` memory map (physical addresses). */
#define FINISHER 0x00100000ul
#define CLINT    0x02000000ul
#define UART     0x10000000ul
#define RAM      0x80000000ul
#define MSIP     (CLINT + 0x0000)  /* software interrupt of hart 0 */
#define MTIMECMP (CLINT + 0x4000)  /* deadline of hart 0 */
#define MTIME    (CLINT + 0xbff8)  /* 10 MHz counter, shared */

#define MMIO8(address)  (*(volatile u8 *)(address))
#define MMIO32(address) (*(volatile u32 *)(address))
#define MMIO64(address) (*(volatile u64 *)(address))

/* CSR access; `name` is a CSR's name in the assembler. */
#define csr_read(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_) :: "memory"); v_; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" :: "r"((u64)(value)) : "memory")
#define csr_set(name, bits)    __asm__ volatile("csrs " #name ", %0" :: "r"((u64)(bits)) : "memory")
#define csr_clear(name, bits)  __asm__ volatile("csrc " #name ", %0" :: "r"((u64)(bits)) : "memory")
#define wfi()    __asm__ volatile("wfi" ::: "memory")
#define sfence() __asm__ volatile("sfence.vma" ::: "memory")

/* Fields of mstatus and sstatus (privileged specification, 3.1.6 and 4.1.1). */
#define STATUS_SIE  (1ul << 1)
#define STATUS_MIE  (1ul << 3)
#define STATUS_SPP  (1ul << 8)
#define STATUS_MPP  (3ul << 11)
#define STATUS_MPP_S (1ul << 11)
#define STATUS_SUM  (1ul << 18)
#define STATUS_MXR  (1ul << 19)

/* Interrupt numbers: the bit in mip, mie, mideleg; the cause is the number with the top bit set. */
#define SSI 1
#define MSI 3
#define MTI 7
#define INTERRUPT (1ul << 63)

/* Exception causes. */
#define ECALL_FROM_U 8
#define ECALL_FROM_S 9
#define FETCH_FAULT  12
#define LOAD_FAULT   13
#define STORE_FAULT  15

/* The registers that trap.S saves: those that a C function may change. */
struct frame {
    u64 ra, t[7], a[8];
};

/* board.c (M-mode guests, bare board) or sbi.c (S-mode guests, over firmware). */
void put(char c);
void finish(int status) __attribute__((noreturn));  /* status 0: all went well */

/* machine.c: what an M-mode program does before and when it drops to S-mode. */
void open_pmp(void);
void enter_s_mode(void (*entry)(void)) __attribute__((noreturn));
void unexpected_trap(void) __attribute__((noreturn, aligned(4)));  /* reports mcause and ends */

/* say.c: understands %s, %d, %lu, %lx and %%. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* trap.S: trap vectors that call handle_m_trap / handle_s_trap, which the program defines.
 * mscratch / sscratch hold the top of the stack that the handler runs on. */
void m_trap_vector(void);
void s_trap_vector(void);
void handle_m_trap(struct frame *frame);
void handle_s_trap(struct frame *frame);

/* sv39.c: one address space of three-level page tables. */
#define PAGE 4096ul
#define PTE_V 0x01ul
#define PTE_R 0x02ul
#define PTE_W 0x04ul
#define PTE_X 0x08ul
#define PTE_U 0x10ul
#define PTE_A 0x40ul
#define PTE_D 0x80ul
u64 *pte_of(u64 va, int level);                      /* makes the tables above it as needed */
void map(u64 va, u64 pa, u64 flags, int level);      /* level 0: 4 KiB, 1: 2 MiB, 2: 1 GiB leaf */
u64 satp_value(void);
