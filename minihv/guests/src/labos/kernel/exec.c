// Programs: ELF files in an archive inside the kernel image (archive.S).
#include "kernel.h"

struct program { char name[16]; const u8 *start, *end; };
extern const struct program archive[], archive_end[];

// The parts of ELF that we read: System V ABI, chapters 4 and 5.
struct elf_header {
    u32 magic;
    u8 rest[12];
    u16 type, machine;
    u32 version;
    u64 entry, segments, sections;
    u32 flags;
    u16 header_size, segment_size, segment_count;
};
struct elf_segment {
    u32 type, flags;
    u64 offset, va, pa, file_size, memory_size, align;
};
#define ELF_MAGIC 0x464c457f
#define ELF_LOAD 1
#define ELF_RISCV 243

static const struct program *find(const char *name)
{
    for (const struct program *p = archive; p < archive_end; p++)
        if (same(p->name, name))
            return p;
    return 0;
}

// ELF's X, W, R are bits 0, 1, 2; ours are 3, 2, 1.
static u64 permissions_of(u32 flags)
{
    return (flags & 4 ? PTE_R : 0) | (flags & 2 ? PTE_W : 0) | (flags & 1 ? PTE_X : 0);
}

// Segments share no page. All of a segment is promised; what the file holds is then copied.
static int load_segment(struct space *space, const u8 *file, const struct elf_segment *segment)
{
    u64 permissions = permissions_of(segment->flags), end = segment->va + segment->file_size;
    u64 first = PAGE_DOWN(segment->va), last = PAGE_UP(segment->va + segment->memory_size);
    if (user_promise(space, first, last - first, permissions) < 0)
        return -1;
    for (u64 va = segment->va, next; va < end; va = next) {
        next = PAGE_DOWN(va) + PAGE < end ? PAGE_DOWN(va) + PAGE : end;
        char *to = user_page(space, va, PTE_R);
        if (!to)
            return -1;
        memcpy(to, file + segment->offset + (va - segment->va), next - va);
    }
    return 0;
}

static int load(struct space *space, const u8 *file)
{
    const struct elf_header *elf = (const void *)file;
    const struct elf_segment *segment = (const void *)(file + elf->segments);
    if (elf->magic != ELF_MAGIC || elf->machine != ELF_RISCV)
        return -1;
    for (int i = 0; i < elf->segment_count; i++)
        if (segment[i].type == ELF_LOAD && load_segment(space, file, &segment[i]) < 0)
            return -1;
    return user_promise(space, USER_STACK, USER_MMAP - USER_STACK, PTE_R | PTE_W);
}

// Replaces the process's memory by that of the named program, and its registers by: pc at the
// entry, sp, and a0 = the argument line, a copy of args (at most 511 bytes) at the stack's top.
// Returns the new a0; -1 when there is no such program or memory is full: nothing has changed.
s64 exec(struct process *process, const char *name, const char *args)
{
    const struct program *program = find(name);
    const u64 top = USER_MMAP - 512;
    struct space space;
    char *line;
    if (!program || space_create(&space, process->space.id) < 0)
        return -1;
    if (load(&space, program->start) < 0 || !(line = user_page(&space, top, PTE_W))) {
        space_destroy(&space);
        return -1;
    }
    for (int i = 0; i < 511 && args[i]; i++)
        line[i] = args[i];
    fence_code();
    space_switch(&kernel_space);
    space_destroy(&process->space);
    process->space = space;
    process->frame = (struct frame){.x[PC] = ((const struct elf_header *)program->start)->entry,
                                    .x[SP] = top, .x[A0] = top};
    return top;
}
