// The shell: reads a line, runs the program that its first word names, and says how it ended.
#include "lib.h"

// One line from the console, echoed, without its end; backspace rubs out.
static int read_line(char *line, int size)
{
    int n = 0;
    for (char c; read(&c, 1) == 1;) {
        if (c == '\r' || c == '\n') {
            write("\n", 1);
            break;
        }
        if ((c == '\b' || c == 127) && n > 0) {
            write("\b \b", 3);
            n--;
        } else if (c >= ' ' && c < 127 && n < size - 1) {
            write(&c, 1);
            line[n++] = c;
        }
    }
    line[n] = 0;
    return n;
}

// Cuts the first word off: returns what follows it.
static char *after_word(char *line)
{
    while (*line && *line != ' ')
        line++;
    while (*line == ' ')
        *line++ = 0;
    return line;
}

static void help(void)
{
    say("echo WORDS, or a workload with its arguments: compute syscalls pingpong faults forks\n");
    say("churn memory ticks; exit [STATUS]\n");
}

int main(void)
{
    char line[256];
    for (;;) {
        write("$ ", 2);
        if (read_line(line, sizeof line) == 0)
            continue;
        char *args = after_word(line);
        if (same(line, "exit"))
            return *args > '0' && *args <= '9' ? *args - '0' : 0;
        if (same(line, "help")) {
            help();
            continue;
        }
        int status = run(line, args);
        if (status == NO_PROGRAM)
            say("sh: no program %s\n", line);
        else if (status)
            say("sh: status %d\n", status);
    }
}
