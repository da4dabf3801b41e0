/* hello_s: the greeting again, one floor up. Firmware owns M-mode, so the console and the off
 * switch are calls into it (sbi.c), and what the machine is made of stands in the device tree
 * whose address came in a1 (fdt.c). */
#include "fdt.h"

const char *console_name(void);

static const char *text_of(const u8 *property) {
    return property && *property ? (const char *)property : "(none)";
}

int main(u64 hart, const u8 *device_tree) {
    const u8 *memory = fdt_property(device_tree, "memory@", "reg");   /* two cells each */
    say("Hello from a RISC-V guest in supervisor mode!\n");
    say("hart:     %lu, my main function is at 0x%lx\n", hart, (u64)main);
    say("console:  the firmware's %s\n", console_name());
    say("model:    %s\n", text_of(fdt_property(device_tree, "", "model")));
    say("bootargs: %s\n", text_of(fdt_property(device_tree, "chosen", "bootargs")));
    if (memory) say("memory:   %lu MiB at 0x%lx\n", be64(memory + 8) >> 20, be64(memory));
    else say("memory:   (no device tree)\n");
    return 0;
}
