// Fences: a hart may keep translations and instructions that it has read before. Whoever changes
// a page table or writes code must say so, on every hart that may hold the old version.
// Privileged architecture, "Supervisor Memory-Management Fence Instruction".
#include "kernel.h"

static u64 others(u64 hart_mask) { return hart_mask & ~(1ul << this_hart->id); }

// After a change to the leaf entry of one page.
void fence_page(struct space *space, u64 va)
{
    asm volatile("sfence.vma %0, zero" :: "r"(va) : "memory");
    if (others(space->harts))
        sbi_remote_sfence(others(space->harts), va, PAGE);
}

// After changes to many pages, or to the tables themselves.
void fence_space(struct space *space)
{
    asm volatile("sfence.vma zero, zero" ::: "memory");
    if (others(space->harts))
        sbi_remote_sfence(others(space->harts), 0, -1ul);
}

// After writing instructions. The process may run on any hart next.
void fence_code(void)
{
    u64 all = 0;
    for (int i = 0; i < hart_count; i++)
        all |= 1ul << harts[i].id;
    asm volatile("fence.i" ::: "memory");
    if (others(all))
        sbi_remote_fence_i(others(all));
}

// Before a process goes on at another hart: its own fence.i were all on the one that it left.
void fence_migrated(void) { asm volatile("fence.i" ::: "memory"); }
