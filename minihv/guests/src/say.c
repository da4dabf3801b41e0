/* say.c: a printf of one screen. */
#include "guest.h"

static void put_number(u64 value, u64 base) {
    char digits[20];
    int n = 0;
    do digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (n) put(digits[--n]);
}

static void put_signed(int value) {
    if (value < 0) put('-');
    put_number(value < 0 ? -(u64)value : (u64)value, 10);
}

static void put_text(const char *text) {
    while (*text) put(*text++);
}

void say(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    for (const char *p = format; *p; p++) {
        if (*p != '%') { put(*p); continue; }
        if (*++p == 'l') p++;
        switch (*p) {
        case 's': put_text(__builtin_va_arg(arguments, const char *)); break;
        case 'd': put_signed(__builtin_va_arg(arguments, int)); break;
        case 'u': put_number(__builtin_va_arg(arguments, u64), 10); break;
        case 'x': put_number(__builtin_va_arg(arguments, u64), 16); break;
        default: put(*p);
        }
    }
    __builtin_va_end(arguments);
}
