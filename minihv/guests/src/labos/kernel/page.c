// Physical pages: handed out zeroed, counted by reference (copy-on-write shares them).
//
// Pages that were never used lie above `untouched`: nothing writes to them before their first
// use, so a machine with much memory boots as fast as a small one and costs its host no more.
#include "kernel.h"

struct free_page { struct free_page *next; };

static struct free_page *free_list;
static u64 untouched, memory_end;
static u8 *references;                  // by page number; a page has at most MAX_PROCESSES
u64 pages_used;

static u8 *count(void *page) { return &references[((u64)page - MEMORY_BASE) / PAGE]; }

// The counts themselves come first. A page's count means nothing before its first use.
void page_init(void *first, u64 end)
{
    references = first;
    untouched = PAGE_UP((u64)first + (end - MEMORY_BASE) / PAGE);
    memory_end = PAGE_DOWN(end);
}

// A zeroed page with one reference, or 0 when memory is full.
void *page_alloc(void)
{
    struct free_page *page = free_list;
    if (page)
        free_list = page->next;
    else if (untouched < memory_end)
        page = (void *)untouched, untouched += PAGE;
    else
        return 0;
    *count(page) = 1;
    pages_used++;
    return memset(page, 0, PAGE);
}

void page_share(void *page) { ++*count(page); }

int page_is_shared(void *page) { return *count(page) > 1; }

// Gives back one reference; the last one frees the page.
void page_free(void *page)
{
    if (*count(page) == 0)
        panic("page freed twice");
    if (--*count(page))
        return;
    struct free_page *freed = page;
    freed->next = free_list;
    free_list = freed;
    pages_used--;
}
