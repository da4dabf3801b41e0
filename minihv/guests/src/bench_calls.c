/* bench_calls: calls and returns. Three functions that do little but call themselves; the build
 * keeps every call a call. */
#include "bench.h"

static u64 fib(u64 n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* Takeuchi's function. */
static u64 tak(u64 x, u64 y, u64 z) {
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static u64 ackermann(u64 m, u64 n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

int run(void) {
    u64 f = fib(32), t = tak(24, 16, 8), a = ackermann(3, 9);
    say("bench-calls: fib(32) %lu, tak(24, 16, 8) %lu, ackermann(3, 9) %lu\n", f, t, a);
    return 0;
}
