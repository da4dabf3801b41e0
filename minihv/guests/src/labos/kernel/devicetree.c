// The flattened device tree that the boot loader hands over: how much memory, which arguments.
// Devicetree specification, chapter 5. Everything in it is big-endian.
#include "kernel.h"

#define MAGIC 0xd00dfeed
#define BEGIN_NODE 1
#define END_NODE 2
#define PROPERTY 3
#define NOP 4

static u32 be32(const u8 *p) { return (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static u64 be64(const u8 *p) { return (u64)be32(p) << 32 | be32(p + 4); }

static int starts_with(const char *text, const char *start)
{
    while (*start && *text == *start)
        text++, start++;
    return !*start;
}

// Returns the size of memory at MEMORY_BASE in bytes and copies /chosen/bootargs, so that the
// tree itself is not needed afterwards. Assumes two cells each for addresses and sizes.
u64 devicetree_read(const void *dtb, char *args, u64 size)
{
    const u8 *tree = dtb;
    if (!tree || be32(tree) != MAGIC)
        return 0;
    const u8 *p = tree + be32(tree + 8);
    const char *names = dtb + be32(tree + 12);
    const char *node = "";
    u64 memory = 0;
    int depth = 0;
    for (u32 token; (token = be32(p)), p += 4, token >= BEGIN_NODE && token <= NOP;) {
        if (token == BEGIN_NODE) {
            node = ++depth == 2 ? (const char *)p : "";
            while (*p++)
                ;
            p = (const u8 *)(((u64)p + 3) & ~3ul);
        } else if (token == END_NODE) {
            depth--;
            node = "";
        } else if (token == PROPERTY) {
            u32 length = be32(p);
            const char *name = names + be32(p + 4);
            const u8 *value = p + 8;
            if (starts_with(node, "memory") && same(name, "reg") && be64(value) == MEMORY_BASE)
                memory = be64(value + 8);
            if (same(node, "chosen") && same(name, "bootargs"))
                memcpy(args, value, length < size ? length : size - 1);
            p = value + ((length + 3) & ~3u);
        }
    }
    return memory;
}
