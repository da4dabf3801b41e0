/* bench_sieve: loops over arrays, about a third of the time each. A round sieves the primes below
 * LIMIT, fills an array from the generator and heap-sorts it, and runs a CRC32 over both. */
#include "bench.h"

#define ROUNDS 6
#define LIMIT 1000000
#define NUMBERS 50000

static u8 composite[LIMIT];
static u32 numbers[NUMBERS];
static u32 crc_table[256];

static int sieve(void) {
    int primes = 0;
    for (int i = 0; i < LIMIT; i++) composite[i] = 0;
    for (int i = 2; i < LIMIT; i++) {
        if (composite[i]) continue;
        primes++;
        for (u64 multiple = (u64)i * i; multiple < LIMIT; multiple += i) composite[multiple] = 1;
    }
    return primes;
}

static void sink(int root, int size) {
    u32 value = numbers[root];
    for (int child; (child = 2 * root + 1) < size; root = child) {
        if (child + 1 < size && numbers[child + 1] > numbers[child]) child++;
        if (numbers[child] <= value) break;
        numbers[root] = numbers[child];
    }
    numbers[root] = value;
}

static void heap_sort(void) {
    for (int root = NUMBERS / 2 - 1; root >= 0; root--) sink(root, NUMBERS);
    for (int last = NUMBERS - 1; last > 0; last--) {
        u32 largest = numbers[0];
        numbers[0] = numbers[last];
        numbers[last] = largest;
        sink(0, last);
    }
}

static void make_crc_table(void) {
    for (u32 i = 0; i < 256; i++) {
        u32 crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        crc_table[i] = crc;
    }
}

static u32 crc32(u32 crc, const u8 *bytes, u64 length) {
    crc = ~crc;
    for (u64 i = 0; i < length; i++) crc = crc >> 8 ^ crc_table[(u8)crc ^ bytes[i]];
    return ~crc;
}

int run(void) {
    u64 seed = 1, primes = 0;
    u32 crc = 0;
    make_crc_table();
    for (int round = 0; round < ROUNDS; round++) {
        primes += sieve();
        for (int i = 0; i < NUMBERS; i++) numbers[i] = lcg(&seed);
        heap_sort();
        crc = crc32(crc, composite, sizeof composite);
        crc = crc32(crc, (u8 *)numbers, sizeof numbers);
    }
    say("bench-sieve: %lu primes, crc32 0x%lx\n", primes, (u64)crc);
    return 0;
}
