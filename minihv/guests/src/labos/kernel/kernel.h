// What the kernel's files know of each other, in the order of the files.
//
// One lock protects everything below. A hart takes it when it traps from user mode and gives it
// back before it returns there, so kernel code never runs on two harts at once. Interrupts stay
// off in the kernel: a trap that comes from kernel code is a bug, and panics.
//
// The kernel has one stack a hart and no threads. A process that must wait is marked so and its
// trap ends; whoever wakes it makes it ready again. All that a process is, is its struct process.
#pragma once
#include "riscv.h"
#include "text.h"

// Memory, physical and virtual; kernel addresses are physical ones.
//
//   0x8000_0000   firmware (SBI): never ours, not mapped
//   0x8020_0000   kernel: text R-X, constants R--, data RW-, in pages of 4 KiB
//                 reference counts of all pages, one byte each
//                 free memory, mapped RW- in megapages of 2 MiB, to the end of memory
//
//   0x0001_0000   user program, as its ELF file says             every process has its own
//   0x001f_0000   user stack, 64 KiB                              below 1 GiB, and the same
//   0x0020_0000   mmap, growing upwards                           kernel above
//   0x4000_0000   end of user addresses
#define MEMORY_BASE 0x80000000ul
#define MEMORY_MAX (1ul << 30)          // one root entry maps the kernel: 1 GiB
#define KERNEL_ROOT_INDEX 2
#define USER_STACK (USER_MMAP - 16 * PAGE)
#define USER_MMAP 0x200000ul
#define USER_END 0x40000000ul

#define MAX_HARTS 4
#define MAX_PROCESSES 64
#define HART_STACK 8192

// A saved user context. x0 needs no saving: its slot holds the pc.
struct frame {
    u64 x[32];
    struct hart *hart;                  // where it runs; written on each return to user mode
};
#define PC 0
#define SP 2
#define A0 10
#define A7 17

struct space {                          // an address space
    pte *root;
    u64 id;                             // its ASID; 0 for all unless asked for
    u64 harts;                          // bit h: hart id h may hold translations of it
    u64 mmap_end;                       // the next mmap goes here
};

enum state { FREE, READY, RUNNING, SLEEPING, WAITING, ZOMBIE };

struct process {
    struct frame frame;                 // first: trap.S knows a process by its frame
    struct space space;
    enum state state;
    int pid;
    int status;                         // of exit, for the parent's wait
    u64 wake;                           // SLEEPING: until this time
    struct process *parent;
    struct process *next;               // in the queue of its state
};

struct hart {
    char *stack;                        // first: trap.S loads sp from here
    u64 id;
    struct process *process;            // running; 0 when idle
    struct space *space;                // in satp; the kernel's own, or that of `process`
    u64 slice_end;                      // when the running process has had its turn
    u64 timer;                          // the deadline that SBI was last told
    int idle;                           // in wfi: an IPI wakes it
};
register struct hart *this_hart asm("tp");
extern struct hart harts[MAX_HARTS];
extern int hart_count;

// sbi.c
int sbi_console_read(void);
void sbi_console_write(const char *text, u64 size);
void sbi_set_timer(u64 deadline);
void sbi_send_ipi(u64 hart);
void sbi_remote_fence_i(u64 hart_mask);
void sbi_remote_sfence(u64 hart_mask, u64 va, u64 size);
int sbi_hart_exists(u64 hart);
void sbi_hart_start(u64 hart, u64 pc, u64 opaque);
_Noreturn void sbi_shutdown(int failed);
void sbi_init(void);
// devicetree.c
u64 devicetree_read(const void *dtb, char *bootargs, u64 size);
// console.c
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *why);
// page.c
extern u64 kernel_pages;              // of pages_used, those that the kernel keeps
extern u64 pages_used;
void page_init(void *first, u64 end);
void *page_alloc(void);
void page_share(void *page);
int page_is_shared(void *page);
void page_free(void *page);
// fence.c
void fence_page(struct space *space, u64 va);
void fence_space(struct space *space);
void fence_code(void);
void fence_migrated(void);
// space.c
extern struct space kernel_space;
extern int use_asids;
void kernel_space_init(u64 memory_end);
int space_has_asids(void);
void space_switch(struct space *space);
int space_create(struct space *space, u64 id);
void space_destroy(struct space *space);
int space_copy(struct space *to, struct space *from);
pte *space_walk(struct space *space, u64 va, int make_tables);
// usermem.c
int user_promise(struct space *space, u64 va, u64 size, u64 permissions);
void user_unmap(struct space *space, u64 va, u64 size);
int user_fault(struct space *space, u64 va, u64 need);
char *user_page(struct space *space, u64 va, u64 need);
int user_string(struct space *space, u64 va, char *text, u64 size);
// process.c
struct process *process_alloc(void);
s64 process_fork(struct process *parent);
s64 process_wait(struct process *parent, u64 status_va);
void process_exit(struct process *process, int status);
// exec.c
s64 exec(struct process *process, const char *name, const char *args);
// schedule.c
extern u64 quantum;
u64 time_now(void);
void lock(void);
void unlock(void);
void ready(struct process *process);
void sleep_until(struct process *process, u64 when);
void slice_over(struct process *process);
struct frame *schedule(void);
// syscall.c
#define AGAIN (-1000)                   // not a result: the process waits, then calls again
s64 syscall(struct process *process);
// trap.S
void trap_entry(void);
_Noreturn void enter_user(struct frame *frame);
