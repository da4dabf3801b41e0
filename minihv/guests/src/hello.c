/* hello: the first guest. It boots in M-mode on a bare board, greets through the serial port
 * and switches the machine off. Nothing runs below it: each store to a device register is all
 * that there is between this program and the hardware. start_m.S calls main. */

typedef unsigned char byte;
typedef unsigned int word;

static volatile byte *const uart = (byte *)0x10000000;      /* 16550 serial port */
static volatile word *const finisher = (word *)0x100000;    /* the board's off switch */

#define TREE_MAGIC 0xedfe0dd0   /* a device tree starts with d0 0d fe ed */

static void put(char c) {
    while (!(uart[5] & 0x20)) {}    /* line status register: wait until there is room */
    uart[0] = c;                    /* transmit register */
}

static void print(const char *text) {
    while (*text) put(*text++);
}

static void print_hex(unsigned long value) {
    print("0x");
    for (int shift = 28; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}

void finish(int status) {
    *finisher = status ? status << 16 | 0x3333 : 0x5555;
    for (;;) {}
}

int main(unsigned long hart, const word *device_tree) {
    print("Hello from a RISC-V guest!\n");
    print("I am a C program in machine mode, with no system below me.\n");
    print("My hart is number ");
    put('0' + hart);
    print(", my main function is at ");
    print_hex((unsigned long)main);
    print(",\nand the device tree ");
    print(device_tree && *device_tree == TREE_MAGIC ? "is there to read.\n" : "is missing.\n");
    return 0;
}
