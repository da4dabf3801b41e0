// Prints its arguments.
#include "lib.h"

int main(const char *args)
{
    say("%s\n", args);
    return 0;
}
