// From the first instruction in C to the first process. Boot arguments that the kernel reads:
// harts=N (at most), quantum=TICKS (a slice), asids (one for each process). All go to init, too.
#include "kernel.h"

struct hart harts[MAX_HARTS];
char stacks[MAX_HARTS][HART_STACK] __attribute__((aligned(16)));
int hart_count = 1;
u64 kernel_pages;

extern char kernel_end[];
void start_secondary(void);

static void hart_init(struct hart *hart, u64 id)
{
    hart->id = id;
    hart->stack = stacks[hart - harts] + HART_STACK;
    hart->timer = 0;                    // not a deadline anyone will ask for
}

// State that SBI leaves open, and the hart's own page table, trap vector and interrupts.
static _Noreturn void hart_run(void)
{
    csr_write(stvec, trap_entry);
    csr_write(sscratch, 0);
    csr_clear(sstatus, SSTATUS_SPP | SSTATUS_SUM | SSTATUS_MXR | SSTATUS_FS);
    csr_write(scounteren, 0);           // user programs ask us for the time
    csr_write(sie, SIE_SSIE | SIE_STIE);
    space_switch(&kernel_space);
    struct frame *frame = schedule();
    unlock();
    enter_user(frame);
}

_Noreturn void main_secondary(void)
{
    lock();
    hart_run();
}

// They stop at the lock until the first process is there.
static void start_harts(u64 boot_id, int limit)
{
    for (u64 id = 0; hart_count < limit && sbi_hart_exists(id); id++) {
        if (id == boot_id)
            continue;
        struct hart *hart = &harts[hart_count++];
        hart_init(hart, id);
        sbi_hart_start(id, (u64)start_secondary, (u64)hart);
    }
}

_Noreturn void main(u64 hart_id, const void *dtb)
{
    static char args[512];
    hart_init(&harts[0], hart_id);
    sbi_init();
    u64 memory = devicetree_read(dtb, args, sizeof args);
    if (memory < 2 * MEGAPAGE)
        panic("no device tree, or less than 4 MiB of memory in it");
    u64 end = MEMORY_BASE + (memory < MEMORY_MAX ? memory : MEMORY_MAX);
    end -= end % MEGAPAGE;
    page_init(kernel_end, end);
    quantum = find_number(args, "quantum", 100000);
    kernel_space_init(end);
    use_asids = find_number(args, "asids", 0) && space_has_asids();
    kernel_pages = pages_used;
    lock();
    int limit = find_number(args, "harts", MAX_HARTS);
    start_harts(hart_id, limit < MAX_HARTS ? limit : MAX_HARTS);
    print("labos: %ld MiB, %d %s\n", memory >> 20, hart_count, hart_count == 1 ? "hart" : "harts");

    struct process *first = process_alloc();
    if (!first || exec(first, "init", args) < 0)
        panic("no program named init");
    ready(first);
    hart_run();
}
