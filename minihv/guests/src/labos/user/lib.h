// What a user program has: the system calls, and a little on top.
#pragma once
#include "calls.h"
#include "text.h"

long write(const char *text, long size);
long read(char *text, long size);
int fork(void);
long exec(const char *name, const char *args);
_Noreturn void exit(int status);
int wait(int *status);
char *mmap(void *address, long size, int protection);
int munmap(void *address, long size);
void yield(void);
void sleep(unsigned long ticks);
unsigned long gettime(void);
int getpid(void);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int wait_for(int pid);
int run(const char *name, const char *args);
void check(int ok, const char *what);
extern int failures;

#define PAGE 4096
#define FAILED ((char *)-1)         // of mmap
#define NO_PROGRAM 127              // status of a child that could not exec
