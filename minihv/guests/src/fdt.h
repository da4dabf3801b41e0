/* fdt.h: finding a property in a flattened device tree. */
#pragma once
#include "guest.h"

u32 be32(const u8 *bytes);
u64 be64(const u8 *bytes);

/* The property's value, or 0: of the first node whose name starts with `node` ("" is the root,
 * which comes first), directly below the root. */
const u8 *fdt_property(const u8 *fdt, const char *node, const char *name);
