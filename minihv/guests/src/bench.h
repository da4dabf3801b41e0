/* bench.h: a workload defines run(); bench.c calls it in S-mode with Sv39 on and ends the
 * machine with the status that it returns. */
#pragma once
#include "guest.h"

int run(void);

/* Knuth's 64-bit linear congruential generator; the upper bits are the good ones. */
static inline u32 lcg(u64 *state) {
    *state = *state * 6364136223846793005ul + 1442695040888963407ul;
    return *state >> 33;
}
