// Address spaces: Sv39 page tables of three levels. The kernel's half is one table that all
// spaces share; the user's half is below USER_END, in the first entry of the root.
//
// A leaf entry below USER_END is one of: 0 (nothing there), LAZY (a zeroed page is promised),
// V (mapped), V and COW (mapped and shared; never W). All that the kernel knows about a process's
// memory is in these entries.
#include "kernel.h"

extern char text_start[], text_end[], data_start[], kernel_end[];

struct space kernel_space;
int use_asids;

static pte *new_table(pte *entry)
{
    pte *table = page_alloc();
    if (table)
        *entry = PTE_OF(table) | PTE_V;
    return table;
}

// The kernel sees memory at its physical addresses: its own image in small pages, so that
// code cannot be written nor data executed; the rest in megapages. A and D are set in advance.
void kernel_space_init(u64 memory_end)
{
    kernel_space.root = page_alloc();
    pte *middle = new_table(&kernel_space.root[KERNEL_ROOT_INDEX]);
    u64 start = (u64)text_start, a = start;
    pte *small = new_table(&middle[PTE_INDEX(start, 1)]);
    if ((u64)kernel_end > start + MEGAPAGE)
        panic("the kernel is larger than a megapage");
    for (; a < start + MEGAPAGE; a += PAGE) {
        u64 permissions = a < (u64)text_end     ? PTE_R | PTE_X
                          : a < (u64)data_start ? PTE_R
                                                : PTE_R | PTE_W;
        small[PTE_INDEX(a, 0)] = PTE_OF(a) | permissions | PTE_A | PTE_D | PTE_V;
    }
    for (; a + MEGAPAGE <= memory_end; a += MEGAPAGE)
        middle[PTE_INDEX(a, 1)] = PTE_OF(a) | PTE_R | PTE_W | PTE_A | PTE_D | PTE_V;
}

// Bits of the ASID that the hart does not have read as 0. To be called before space_switch.
int space_has_asids(void)
{
    u64 satp = SATP_SV39 | ASID_MASK << SATP_ASID_SHIFT | (u64)kernel_space.root >> 12;
    csr_write(satp, satp);
    return csr_read(satp) == satp;
}

// The invariant of `harts`: a hart that is not in it holds no translation of the space. Without
// ASIDs all translations look alike, so a hart leaves the old space's set, and forgets everything,
// when it changes to another one. With ASIDs it stays, and later changes reach it by a fence.
void space_switch(struct space *space)
{
    struct space *old = this_hart->space;
    u64 me = 1ul << this_hart->id;
    if (space == old)
        return;
    if (old && !use_asids)
        old->harts &= ~me;
    csr_write(satp, SATP_SV39 | space->id << SATP_ASID_SHIFT | (u64)space->root >> 12);
    if (!(space->harts & me))
        asm volatile("sfence.vma zero, zero" ::: "memory");
    space->harts |= me;
    this_hart->space = space;
}

// A space with nothing in its user half; 0, or -1 when memory is full.
int space_create(struct space *space, u64 id)
{
    *space = (struct space){page_alloc(), id, 0, USER_MMAP};
    if (!space->root)
        return -1;
    space->root[KERNEL_ROOT_INDEX] = kernel_space.root[KERNEL_ROOT_INDEX];
    return 0;
}

// User addresses take only the first entry of the root.
static int entries_at(int level) { return level == 2 ? 1 : 512; }

static void free_user_half(pte *table, int level)
{
    for (int i = 0; i < entries_at(level); i++) {
        if (!(table[i] & PTE_V))
            continue;
        if (level > 0)
            free_user_half(PTE_PAGE(table[i]), level - 1);
        page_free(PTE_PAGE(table[i]));
    }
}

// Nobody may be in the space: not even this hart.
void space_destroy(struct space *space)
{
    fence_space(space);                 // its ASID can be used again
    free_user_half(space->root, 2);
    page_free(space->root);
    space->root = 0;
}

// The two ends of a copied leaf share its page from now on, and neither may write to it.
static int copy_user_half(pte *to, pte *from, int level)
{
    for (int i = 0; i < entries_at(level); i++) {
        if (!from[i])
            continue;
        if (level > 0) {
            pte *table = new_table(&to[i]);
            if (!table || copy_user_half(table, PTE_PAGE(from[i]), level - 1) < 0)
                return -1;
            continue;
        }
        if (from[i] & PTE_V) {
            if (from[i] & PTE_W)
                from[i] = (from[i] & ~PTE_W) | PTE_COW;
            page_share(PTE_PAGE(from[i]));
        }
        to[i] = from[i];
    }
    return 0;
}

// Fills a newly created space with a copy-on-write copy; 0, or -1 when memory is full.
int space_copy(struct space *to, struct space *from)
{
    to->mmap_end = from->mmap_end;
    int result = copy_user_half(to->root, from->root, 2);
    fence_space(from);                  // it has lost the right to write
    return result;
}

// The leaf entry for va; 0 when va is no user address, or when a table on the way is missing and
// could not or should not be made.
pte *space_walk(struct space *space, u64 va, int make_tables)
{
    pte *table = space->root;
    if (va >= USER_END)
        return 0;
    for (int level = 2; level > 0; level--) {
        pte *entry = &table[PTE_INDEX(va, level)];
        if (*entry & PTE_V) {
            table = PTE_PAGE(*entry);
        } else {
            if (!make_tables || !(table = new_table(entry)))
                return 0;
            fence_space(space);         // fence_page would not cover a non-leaf entry
        }
    }
    return &table[PTE_INDEX(va, 0)];
}
