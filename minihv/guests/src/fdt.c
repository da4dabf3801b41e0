/* fdt.c: a walk over a flattened device tree (Devicetree specification, 5.4).
 *
 *   header | ... | structure block: BEGIN "name" PROP len nameoff value ... END | strings block
 *
 * Numbers are big-endian; names and values are padded to 4 bytes. The firmware is trusted. */
#include "fdt.h"

#define MAGIC 0xd00dfeed
#define HEADER_STRUCTURE 8          /* byte offsets of the header's fields */
#define HEADER_STRINGS 12
enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4 };

u32 be32(const u8 *bytes) {
    return (u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

u64 be64(const u8 *bytes) {
    return (u64)be32(bytes) << 32 | be32(bytes + 4);
}

static int starts_with(const char *text, const char *prefix) {
    while (*prefix)
        if (*text++ != *prefix++) return 0;
    return 1;
}

static int same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

static const u8 *align4(const u8 *p) {
    return (const u8 *)(((u64)p + 3) & ~3ul);
}

const u8 *fdt_property(const u8 *fdt, const char *node, const char *name) {
    if (!fdt || be32(fdt) != MAGIC) return 0;
    const u8 *p = fdt + be32(fdt + HEADER_STRUCTURE);
    const char *strings = (const char *)fdt + be32(fdt + HEADER_STRINGS);
    int depth = 0;                  /* 1: inside the root node */
    int inside = 0;                 /* the depth of the node that we want, once we are in it */
    for (;;) {
        u32 token = be32(p);
        p += 4;
        if (token == BEGIN_NODE) {
            const char *here = (const char *)p;
            depth++;
            if (!inside && depth == (*node ? 2 : 1) && starts_with(here, node)) inside = depth;
            while (*p++) {}
            p = align4(p);
        } else if (token == PROP) {
            const u8 *value = p + 8;
            if (inside && depth == inside && same(strings + be32(p + 4), name)) return value;
            p = align4(value + be32(p));
        } else if (token == END_NODE) {
            if (depth-- == inside) return 0;
        } else if (token != NOP) {
            return 0;
        }
    }
}
