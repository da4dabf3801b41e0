// System calls: the number in a7, arguments from a0, the result in a0; -1 is failure.
// Times are in ticks of the `time` counter, 10 MHz.
#pragma once
#define CALL_WRITE 1        // (text, size): to the console, in one piece
#define CALL_READ 2         // (text, size): from the console; waits for at least one byte
#define CALL_FORK 3         // (): the child's pid; 0 in the child
#define CALL_EXEC 4         // (name, args)
#define CALL_EXIT 5         // (status)
#define CALL_WAIT 6         // (int *status): the pid of a child that has exited
#define CALL_MMAP 7         // (address or 0, size, PROT_...): the address
#define CALL_MUNMAP 8       // (address, size)
#define CALL_YIELD 9        // ()
#define CALL_SLEEP 10       // (ticks)
#define CALL_GETTIME 11     // (): ticks
#define CALL_GETPID 12      // ()

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4

#define TICKS_PER_MS 10000
