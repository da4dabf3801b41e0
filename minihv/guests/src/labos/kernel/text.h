// Text and bytes, for the kernel and for user programs alike.
#pragma once

typedef __builtin_va_list va_list;
#define va_start __builtin_va_start
#define va_arg __builtin_va_arg
#define va_end __builtin_va_end

void *memset(void *to, int byte, unsigned long size);
void *memcpy(void *to, const void *from, unsigned long size);
int same(const char *a, const char *b);
int format_text(char *out, int size, const char *format, va_list args);
int find_word(const char *args, const char *name, char *out, int size);
long find_number(const char *args, const char *name, long otherwise);
