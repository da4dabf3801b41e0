// The hart as supervisor code sees it: types, control registers, page-table entries, causes.
// Privileged architecture, chapters "Supervisor-Level ISA" and "Sv39".
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

#define csr_read(csr) ({ u64 v_; asm volatile("csrr %0, " #csr : "=r"(v_) :: "memory"); v_; })
#define csr_write(csr, v) asm volatile("csrw " #csr ", %0" :: "rK"(v) : "memory")
#define csr_set(csr, v) asm volatile("csrs " #csr ", %0" :: "rK"(v) : "memory")
#define csr_clear(csr, v) asm volatile("csrc " #csr ", %0" :: "rK"(v) : "memory")

#define SSTATUS_SIE (1ul << 1)          // interrupts while in S-mode
#define SSTATUS_SPP (1ul << 8)          // sret goes to S-mode, not to U-mode
#define SSTATUS_FS (3ul << 13)          // floating point on
#define SSTATUS_SUM (1ul << 18)         // S-mode may touch user pages
#define SSTATUS_MXR (1ul << 19)         // executable pages are readable
#define SIE_SSIE (1ul << 1)             // software interrupt, in sie and in sip
#define SIE_STIE (1ul << 5)             // timer interrupt

#define CAUSE_INTERRUPT (1ul << 63)
#define IRQ_SOFTWARE (CAUSE_INTERRUPT | 1)
#define IRQ_TIMER (CAUSE_INTERRUPT | 5)
#define EXC_ILLEGAL 2
#define EXC_ECALL_U 8
#define EXC_FETCH_PAGE 12
#define EXC_LOAD_PAGE 13
#define EXC_STORE_PAGE 15

#define PAGE 4096ul
#define MEGAPAGE (512 * PAGE)
#define PAGE_DOWN(a) ((u64)(a) & ~(PAGE - 1))
#define PAGE_UP(a) PAGE_DOWN((u64)(a) + PAGE - 1)

// A page-table entry: 44 bits of physical page number above ten flags.
typedef u64 pte;
#define PTE_V (1ul << 0)
#define PTE_R (1ul << 1)
#define PTE_W (1ul << 2)
#define PTE_X (1ul << 3)
#define PTE_U (1ul << 4)
#define PTE_A (1ul << 6)
#define PTE_D (1ul << 7)
#define PTE_COW (1ul << 8)              // ours: a shared page; copy it before the first write
#define PTE_LAZY (1ul << 9)             // ours: not valid; a zeroed page is promised here
#define PTE_RWX (PTE_R | PTE_W | PTE_X)
#define PTE_PAGE(e) ((void *)((e) >> 10 << 12))
#define PTE_OF(page) ((u64)(page) >> 12 << 10)
#define PTE_INDEX(va, level) ((va) >> (12 + 9 * (level)) & 511)

#define SATP_SV39 (8ul << 60)
#define SATP_ASID_SHIFT 44
#define ASID_MASK 127ul                 // all that we need of it

static inline void wait_for_interrupt(void) { asm volatile("wfi" ::: "memory"); }
