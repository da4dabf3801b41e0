/* sv39.c: page tables of one Sv39 address space (privileged specification, 4.4).
 *
 *   va  [38:30] index in the root   [29:21] level 1   [20:12] level 0   [11:0] offset
 *   pte [53:10] page number, [7:0] D A G U X W R V; no R, W or X: points to the next table
 */
#include "guest.h"

#define TABLES 32

/* tables[0] is the root; the others are given out in order and never returned. */
static u64 tables[TABLES][PAGE / 8] __attribute__((aligned(4096)));
static int tables_used = 1;

static u64 *next_table(u64 *pte) {
    if (*pte & PTE_V) return (u64 *)(*pte >> 10 << 12);
    if (tables_used == TABLES) {
        say("out of page tables\n");
        finish(98);
    }
    u64 *table = tables[tables_used++];
    *pte = (u64)table >> 12 << 10 | PTE_V;
    return table;
}

u64 *pte_of(u64 va, int level) {
    u64 *table = tables[0];
    for (int above = 2; above > level; above--)
        table = next_table(&table[va >> (12 + 9 * above) & 511]);
    return &table[va >> (12 + 9 * level) & 511];
}

void map(u64 va, u64 pa, u64 flags, int level) {
    *pte_of(va, level) = pa >> 12 << 10 | flags | PTE_V;
}

u64 satp_value(void) {
    return 8ul << 60 | (u64)tables[0] >> 12;
}
