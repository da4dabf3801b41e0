// What to do when user mode stops: an interrupt, a system call, a fault.
#include "kernel.h"

static void kill(struct process *process, u64 cause)
{
    u64 va = csr_read(stval);
    const char *access = cause == EXC_LOAD_PAGE    ? "read"
                         : cause == EXC_STORE_PAGE ? "write"
                         : cause == EXC_FETCH_PAGE ? "execute"
                                                   : 0;
    if (access)
        print("labos: killed: cannot %s 0x%lx\n", access, va);
    else
        print("labos: killed: cause %ld\n", cause);
    process_exit(process, 128 + cause);
}

static u64 access_of(u64 cause)
{
    return cause == EXC_LOAD_PAGE ? PTE_R : cause == EXC_STORE_PAGE ? PTE_W : PTE_X;
}

// From trap.S, with the frame of the process that ran here. Returns the frame to go on with.
struct frame *trap(struct frame *frame)
{
    lock();
    struct process *process = (struct process *)frame;
    u64 cause = csr_read(scause);
    switch (cause) {
    case IRQ_TIMER:
        slice_over(process);
        break;
    case IRQ_SOFTWARE:                  // we were woken for work that someone else took
        csr_clear(sip, SIE_SSIE);
        break;
    case EXC_ECALL_U:
        frame->x[PC] += 4;
        s64 result = syscall(process);
        if (result == AGAIN)
            frame->x[PC] -= 4;
        else
            frame->x[A0] = result;
        break;
    case EXC_FETCH_PAGE:
    case EXC_LOAD_PAGE:
    case EXC_STORE_PAGE:
        if (user_fault(&process->space, csr_read(stval), access_of(cause)))
            break;
        // fall through
    default:
        kill(process, cause);
    }
    frame = schedule();
    unlock();
    return frame;
}
