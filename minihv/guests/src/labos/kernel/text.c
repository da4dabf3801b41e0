// Text and bytes: what a C library would give, as much of it as we use.
#include "text.h"

// Pages are most of what we clear and copy: eight bytes at a time where alignment allows it.
void *memset(void *to, int byte, unsigned long size)
{
    unsigned char *p = to, *end = p + size;
    unsigned long word = (byte & 0xfful) * 0x0101010101010101ul;
    if (((unsigned long)p & 7) == 0)
        for (; end - p >= 64; p += 64) {
            unsigned long *w = (unsigned long *)p;
            w[0] = w[1] = w[2] = w[3] = w[4] = w[5] = w[6] = w[7] = word;
        }
    while (p < end)
        *p++ = byte;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    unsigned char *p = to, *end = p + size;
    const unsigned char *q = from;
    if ((((unsigned long)p | (unsigned long)q) & 7) == 0)
        for (; end - p >= 32; p += 32, q += 32) {
            unsigned long *to8 = (unsigned long *)p;
            const unsigned long *from8 = (const unsigned long *)q;
            to8[0] = from8[0], to8[1] = from8[1], to8[2] = from8[2], to8[3] = from8[3];
        }
    while (p < end)
        *p++ = *q++;
    return to;
}

int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static int digits(char *out, unsigned long value, unsigned base)
{
    char reversed[20];
    int n = 0, i = 0;
    do
        reversed[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (n)
        out[i++] = reversed[--n];
    return i;
}

// printf's %d %u %x (each with l) %s %c %%, without widths. Returns the length, at most size - 1;
// what does not fit is cut off. Always ends with a zero byte.
int format_text(char *out, int size, const char *format, va_list args)
{
    int n = 0;
    for (; *format && n < size - 1; format++) {
        if (*format != '%') {
            out[n++] = *format;
            continue;
        }
        char piece[24] = {0};
        const char *s = piece;
        int is_long = *++format == 'l';
        format += is_long;
        if (*format == 's') {
            s = va_arg(args, const char *);
        } else if (*format == 'c') {
            piece[0] = va_arg(args, int);
        } else if (*format == 'd') {
            long value = is_long ? va_arg(args, long) : va_arg(args, int);
            piece[0] = '-';
            digits(piece + (value < 0), value < 0 ? -(unsigned long)value : value, 10);
        } else if (*format == 'u' || *format == 'x') {
            unsigned long value = is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned);
            digits(piece, value, *format == 'x' ? 16 : 10);
        } else {
            piece[0] = *format;
        }
        while (*s && n < size - 1)
            out[n++] = *s++;
    }
    out[n] = 0;
    return n;
}

// Arguments are one line of words, some of the form name=value. Finds the word `name`, copies its
// value to out (empty without "="; cut off at size - 1 bytes), and says whether it was there.
int find_word(const char *args, const char *name, char *out, int size)
{
    while (*args) {
        const char *n = name;
        while (*n && *args == *n)
            args++, n++;
        if (!*n && (*args == 0 || *args == ' ' || *args == '=')) {
            int i = 0;
            if (*args == '=')
                for (args++; *args && *args != ' ' && i < size - 1;)
                    out[i++] = *args++;
            out[i] = 0;
            return 1;
        }
        while (*args && *args != ' ')
            args++;
        while (*args == ' ')
            args++;
    }
    return 0;
}

// The decimal value of `name`; 1 where it stands without one; `otherwise` where it is absent.
long find_number(const char *args, const char *name, long otherwise)
{
    char digits[24];
    if (!find_word(args, name, digits, sizeof digits))
        return otherwise;
    if (!digits[0])
        return 1;
    long value = 0;
    for (char *d = digits; *d >= '0' && *d <= '9'; d++)
        value = value * 10 + (*d - '0');
    return value;
}
