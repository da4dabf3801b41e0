// Who runs: the lock, the ready queue, sleeping, the timer.
#include "kernel.h"

static int locked;
static struct process *ready_first, *ready_last;
static struct process *sleepers;        // in order of waking
u64 quantum;                            // the length of a slice

u64 time_now(void) { return csr_read(time); }

void lock(void)
{
    while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE))
        ;
}

void unlock(void) { __atomic_store_n(&locked, 0, __ATOMIC_RELEASE); }

// To the end of the queue: round robin.
void ready(struct process *process)
{
    process->state = READY;
    process->next = 0;
    if (ready_first)
        ready_last->next = process;
    else
        ready_first = process;
    ready_last = process;
}

void sleep_until(struct process *process, u64 when)
{
    struct process **at = &sleepers;
    while (*at && (*at)->wake <= when)
        at = &(*at)->next;
    process->state = SLEEPING;
    process->wake = when;
    process->next = *at;
    *at = process;
}

static void wake_sleepers(void)
{
    while (sleepers && sleepers->wake <= time_now()) {
        struct process *process = sleepers;
        sleepers = process->next;
        ready(process);
    }
}

// This hart's next timer interrupt: at `deadline`, or earlier when a sleeper must wake.
// So the first sleeper always has a hart that will wake it: the last one that came by here.
static void set_timer(u64 deadline)
{
    if (sleepers && sleepers->wake < deadline)
        deadline = sleepers->wake;
    if (deadline != this_hart->timer)
        sbi_set_timer(this_hart->timer = deadline);
}

// The timer interrupted `process`: it goes on at once only if no one else wants to run.
void slice_over(struct process *process)
{
    this_hart->slice_end = 0;
    wake_sleepers();
    if (ready_first)
        ready(process);
}

// Waits for an interrupt without taking one: interrupts are off here, and still end a wfi.
static void idle(void)
{
    space_switch(&kernel_space);        // the old one may be gone when we come back
    this_hart->slice_end = 0;
    set_timer(-1ul);
    this_hart->idle = 1;
    unlock();
    wait_for_interrupt();
    lock();
    this_hart->idle = 0;
    csr_clear(sip, SIE_SSIE);
    wake_sleepers();
}

// An idle hart finds work that is left over, and wakes the next one if there is more.
static void wake_idle_hart(void)
{
    for (struct hart *hart = harts; hart < harts + hart_count; hart++)
        if (hart->idle) {
            hart->idle = 0;
            sbi_send_ipi(hart->id);
            return;
        }
}

// The frame that this hart goes on with: the running process's own, or when that may not go on,
// the next one's. A slice belongs to the hart: who yields gives the rest of it away.
struct frame *schedule(void)
{
    struct process *process = this_hart->process;
    if (!process || process->state != RUNNING) {
        this_hart->process = 0;
        wake_sleepers();
        while (!ready_first)
            idle();
        process = ready_first;
        ready_first = process->next;
        process->state = RUNNING;
        this_hart->process = process;
        if (process->frame.hart != this_hart)
            fence_migrated();
    }
    if (ready_first)
        wake_idle_hart();
    space_switch(&process->space);
    if (!this_hart->slice_end)
        this_hart->slice_end = time_now() + quantum;
    set_timer(this_hart->slice_end);
    return &process->frame;
}
