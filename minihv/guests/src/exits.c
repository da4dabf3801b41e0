/* exits: reads a device register in a loop. Each read leaves the guest for the device model, so
 * seconds / READS is the cost of one exit, there and back. */
#include "guest.h"

#define READS 100000
#define LINE_STATUS (UART + 5)

int main(void) {
    u64 sum = 0;
    for (int i = 0; i < READS; i++) sum += MMIO8(LINE_STATUS) & 0x60;
    say("exits: %d reads of the serial port's line status, sum %lu\n", READS, sum);
    return sum != READS * 0x60ul;   /* idle transmitter: both bits set at every read */
}
