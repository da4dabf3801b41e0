/* bench_chase: memory. One random cycle through 8 MiB, a node a cache line: every step is a
 * load whose address the load before it gave. Making the cycle is under 1% of the run. Now and
 * then an sfence.vma empties the TLB, as a kernel's context switches do; QEMU and Unicorn fit
 * the size of their TLBs to the program only at such flushes, and would crawl without. */
#include "bench.h"

#define NODES 131072
#define ROUNDS 60
#define STEPS 1000000              /* of each round */

static struct node {
    struct node *next;
    u64 value;
    u64 rest_of_line[6];
} nodes[NODES] __attribute__((aligned(4096)));

/* Sattolo's shuffle: a uniformly random permutation that is one single cycle. */
static void make_cycle(void) {
    u64 seed = 2;
    for (u32 i = 0; i < NODES; i++) {
        nodes[i].next = &nodes[i];
        nodes[i].value = i;
    }
    for (u32 i = NODES - 1; i > 0; i--) {
        u32 j = lcg(&seed) % i;
        struct node *next = nodes[i].next;
        nodes[i].next = nodes[j].next;
        nodes[j].next = next;
    }
}

int run(void) {
    make_cycle();
    u64 sum = 0;
    struct node *node = nodes;
    for (int round = 0; round < ROUNDS; round++) {
        sfence();
        for (u32 step = 0; step < STEPS; step++) {
            sum += node->value;
            node = node->next;
        }
    }
    say("bench-chase: sum %lu, at node %lu\n", sum, (u64)(node - nodes));
    return 0;
}
