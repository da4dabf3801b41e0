// Processes: made by fork, ended by exit, buried by wait.
#include "kernel.h"

static struct process processes[MAX_PROCESSES];
static int last_pid;

// The first process is never FREE again: when it exits, the machine powers off.
static struct process *const first = &processes[0];

// A process in no queue with an empty space, or 0 when the table or memory is full.
struct process *process_alloc(void)
{
    for (struct process *p = processes; p < processes + MAX_PROCESSES; p++) {
        if (p->state != FREE)
            continue;
        if (space_create(&p->space, use_asids ? p - processes + 1 : 0) < 0)
            return 0;
        p->pid = ++last_pid;
        p->parent = first;
        return p;
    }
    return 0;
}

s64 process_fork(struct process *parent)
{
    struct process *child = process_alloc();
    if (!child)
        return -1;
    if (space_copy(&child->space, &parent->space) < 0) {
        space_destroy(&child->space);   // it is still FREE
        return -1;
    }
    child->frame = parent->frame;
    child->frame.x[A0] = 0;
    child->parent = parent;
    ready(child);
    return child->pid;
}

// Buries one child that has exited: its pid, its status in the int at status_va (unless 0). -1
// without children. Waits for one to exit otherwise: process_exit makes us ready, we look again.
s64 process_wait(struct process *parent, u64 status_va)
{
    int children = 0;
    int *status = status_va ? (int *)user_page(&parent->space, status_va, PTE_W) : 0;
    if (status_va && (!status || status_va % sizeof *status))
        return -1;
    for (struct process *p = processes; p < processes + MAX_PROCESSES; p++) {
        if (p->state == FREE || p->parent != parent || p == parent)
            continue;
        children++;
        if (p->state == ZOMBIE) {
            if (status)
                *status = p->status;
            p->state = FREE;
            return p->pid;
        }
    }
    if (!children)
        return -1;
    parent->state = WAITING;
    return AGAIN;
}

// The end of the first process is the end of the machine. Its status says whether all went well;
// if it was the last one, then every page must have come back.
static _Noreturn void power_off(int status)
{
    int alive = 0;
    for (struct process *p = processes + 1; p < processes + MAX_PROCESSES; p++)
        alive += p->state != FREE;
    if (!alive && pages_used != kernel_pages) {
        print("labos: %ld pages lost\n", (s64)(pages_used - kernel_pages));
        status = 1;
    }
    print("labos: power off%s\n", status ? ", failed" : "");
    sbi_shutdown(status);
}

static void tell(struct process *parent)
{
    if (parent->state == WAITING)
        ready(parent);
}

// Its memory goes at once; the slot stays until the parent has waited. Children go to the first
// process.
void process_exit(struct process *process, int status)
{
    space_switch(&kernel_space);
    space_destroy(&process->space);
    if (process == first)
        power_off(status);
    for (struct process *p = processes; p < processes + MAX_PROCESSES; p++) {
        if (p->state == FREE || p->parent != process)
            continue;
        p->parent = first;
        if (p->state == ZOMBIE)
            tell(first);
    }
    process->status = status;
    process->state = ZOMBIE;
    tell(process->parent);
}
