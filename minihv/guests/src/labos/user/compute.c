// Workload: n rounds of a sieve, a CRC and a sort; hardly a system call.
#include "lib.h"

#define SIZE 2048
static unsigned char composite[SIZE];
static unsigned numbers[256];

static int sieve(void)
{
    int primes = 0;
    memset(composite, 0, SIZE);
    for (int i = 2; i < SIZE; i++) {
        if (composite[i])
            continue;
        primes++;
        for (int j = 2 * i; j < SIZE; j += i)
            composite[j] = 1;
    }
    return primes;
}

static unsigned crc32(const unsigned char *bytes, int size, unsigned crc)
{
    for (int i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return crc;
}

static void sort(unsigned *a, int n)
{
    for (int gap = n / 2; gap > 0; gap /= 2)
        for (int i = gap; i < n; i++)
            for (int j = i - gap; j >= 0 && a[j] > a[j + gap]; j -= gap) {
                unsigned swap = a[j];
                a[j] = a[j + gap];
                a[j + gap] = swap;
            }
}

int main(const char *args)
{
    long n = find_number(args, "n", 50);
    unsigned crc = 0, random = 1;
    int primes = 0;
    for (long round = 0; round < n; round++) {
        primes += sieve();
        for (int i = 0; i < 256; i++)
            numbers[i] = random = random * 1664525 + 1013904223;
        sort(numbers, 256);
        crc = crc32((unsigned char *)numbers, sizeof numbers, crc);
    }
    say("compute: n=%ld primes=%d crc=%x\n", n, primes, crc);
    return 0;
}
