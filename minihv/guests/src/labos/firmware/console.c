// The board's console (16550 UART) and its power switch (test finisher).
#include "firmware.h"

#define LINE_STATUS 5
#define HAS_INPUT 1
#define CAN_SEND 0x20

void fw_putchar(u8 byte)
{
    while (!(UART[LINE_STATUS] & CAN_SEND))
        ;
    UART[0] = byte;
}

// A byte, or -1 when there is none.
s64 fw_getchar(void) { return UART[LINE_STATUS] & HAS_INPUT ? UART[0] : -1; }

_Noreturn void fw_finish(int failed)
{
    *FINISHER = failed ? 1 << 16 | 0x3333 : 0x5555;
    for (;;)
        wait_for_interrupt();
}
