// A process's memory: promised by mmap and exec, made by page faults, shared by fork.
#include "kernel.h"

// Promises zeroed pages at [va, va + size), both multiples of PAGE. 0, or -1 when something is
// there already or memory is full. No fence: an entry that was not valid is still not valid.
int user_promise(struct space *space, u64 va, u64 size, u64 permissions)
{
    for (u64 a = va; a < va + size; a += PAGE) {
        pte *entry = space_walk(space, a, 1);
        if (!entry || *entry) {
            user_unmap(space, va, a - va);
            return -1;
        }
        *entry = permissions | PTE_U | PTE_LAZY;
    }
    return 0;
}

// Takes away whatever is at [va, va + size). One fence at the end is enough: we hold the lock and
// the process is here, so no one can use a freed page, or this space, in between.
void user_unmap(struct space *space, u64 va, u64 size)
{
    for (u64 a = va; a < va + size; a += PAGE) {
        pte *entry = space_walk(space, a, 0);
        if (!entry)
            continue;
        if (*entry & PTE_V)
            page_free(PTE_PAGE(*entry));
        *entry = 0;
    }
    if (size == PAGE)
        fence_page(space, va);
    else if (size)
        fence_space(space);
}

// The first write to a shared page: the last owner keeps the page, the others copy it.
static int own_page(pte *entry)
{
    void *shared = PTE_PAGE(*entry), *page = shared;
    if (page_is_shared(shared)) {
        if (!(page = page_alloc()))
            return 0;
        memcpy(page, shared, PAGE);
        page_free(shared);
    }
    *entry = PTE_OF(page) | (*entry & (PTE_RWX | PTE_U | PTE_A | PTE_V)) | PTE_W;
    return 1;
}

// Makes an access to va possible (need: one of R, W, X) if the process may do it: keeps a promise,
// copies on write, or sets A and D where the hart leaves that to us. 0 when it may not.
int user_fault(struct space *space, u64 va, u64 need)
{
    pte *entry = space_walk(space, va, 0);
    if (!entry)
        return 0;
    if (*entry & PTE_LAZY) {
        void *page = *entry & need ? page_alloc() : 0;
        if (!page)
            return 0;
        *entry = PTE_OF(page) | (*entry & (PTE_RWX | PTE_U)) | PTE_V;
    } else if (*entry & PTE_COW && need == PTE_W) {
        if (!own_page(entry))
            return 0;
    } else if (!(*entry & PTE_V) || !(*entry & need)) {
        return 0;
    }
    *entry |= need == PTE_W ? PTE_A | PTE_D : PTE_A;
    fence_page(space, va);
    return 1;
}

// Where the kernel finds the byte at user address va, and those after it up to the page's end;
// 0 when the process itself could not access it so. The kernel never uses user addresses
// directly, so it needs neither sstatus.SUM nor a way back from a page fault of its own.
char *user_page(struct space *space, u64 va, u64 need)
{
    pte *entry = space_walk(space, va, 0);
    if (!entry)
        return 0;
    if (!(*entry & PTE_V) || !(*entry & need))
        if (!user_fault(space, va, need))
            return 0;
    return (char *)PTE_PAGE(*entry) + va % PAGE;
}

// Copies a string in. 0, or -1 when it is not readable or longer than size - 1.
int user_string(struct space *space, u64 va, char *text, u64 size)
{
    for (u64 i = 0; i < size; i++) {
        char *byte = user_page(space, va + i, PTE_R);
        if (!byte)
            return -1;
        if (!(text[i] = *byte))
            return 0;
    }
    return -1;
}
