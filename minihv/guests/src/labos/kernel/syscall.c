// System calls: arguments are checked here, then the files above do the work.
#include "kernel.h"
#include "calls.h"

#define CONSOLE_POLL (10 * TICKS_PER_MS)    // SBI has no interrupt for console input

static s64 sys_write(struct process *process, u64 va, u64 size)
{
    for (u64 done = 0, n; done < size; done += n) {
        const char *text = user_page(&process->space, va + done, PTE_R);
        if (!text)
            return -1;
        n = PAGE - (va + done) % PAGE;
        n = n < size - done ? n : size - done;
        sbi_console_write(text, n);
    }
    return size;
}

static s64 sys_read(struct process *process, u64 va, u64 size)
{
    u64 done = 0;
    for (; done < size; done++) {
        char *to = user_page(&process->space, va + done, PTE_W);
        int byte = to ? sbi_console_read() : -1;
        if (!to)
            return -1;
        if (byte < 0)
            break;
        *to = byte;
    }
    if (done || !size)
        return done;
    sleep_until(process, time_now() + CONSOLE_POLL);
    return AGAIN;
}

static s64 sys_exec(struct process *process, u64 name_va, u64 args_va)
{
    char name[16], args[512];
    if (user_string(&process->space, name_va, name, sizeof name) < 0 ||
        user_string(&process->space, args_va, args, sizeof args) < 0)
        return -1;
    return exec(process, name, args);
}

static int is_range(u64 va, u64 size)
{
    return va % PAGE == 0 && size > 0 && size <= USER_END && va <= USER_END - size;
}

static s64 sys_mmap(struct process *process, u64 va, u64 size, u64 protection)
{
    u64 permissions = protection << 1 & PTE_RWX;
    int may_write_only = permissions & PTE_W && !(permissions & PTE_R);     // a reserved encoding
    if (!va)
        va = process->space.mmap_end;
    size = PAGE_UP(size);
    if (!is_range(va, size) || va < PAGE || !permissions || may_write_only)
        return -1;
    if (user_promise(&process->space, va, size, permissions) < 0)
        return -1;
    if (va + size > process->space.mmap_end)
        process->space.mmap_end = va + size;
    return va;
}

// The last mapping's addresses can be given out again.
static s64 sys_munmap(struct process *process, u64 va, u64 size)
{
    size = PAGE_UP(size);
    if (!is_range(va, size))
        return -1;
    user_unmap(&process->space, va, size);
    if (va >= USER_MMAP && va + size == process->space.mmap_end)
        process->space.mmap_end = va;
    return 0;
}

s64 syscall(struct process *process)
{
    u64 *x = process->frame.x, a = x[A0], b = x[A0 + 1], c = x[A0 + 2];
    switch (x[A7]) {
    case CALL_WRITE: return sys_write(process, a, b);
    case CALL_READ: return sys_read(process, a, b);
    case CALL_FORK: return process_fork(process);
    case CALL_EXEC: return sys_exec(process, a, b);
    case CALL_EXIT: process_exit(process, a); return 0;
    case CALL_WAIT: return process_wait(process, a);
    case CALL_MMAP: return sys_mmap(process, a, b, c);
    case CALL_MUNMAP: return sys_munmap(process, a, b);
    case CALL_YIELD: ready(process); return 0;
    case CALL_SLEEP: sleep_until(process, time_now() + a); return 0;
    case CALL_GETTIME: return time_now();
    case CALL_GETPID: return process->pid;
    default: return -1;
    }
}
