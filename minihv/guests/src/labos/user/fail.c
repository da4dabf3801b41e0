// Returns a status (default 1), to see it arrive.
#include "lib.h"

int main(const char *args)
{
    return (int)find_number(args, "status", 1);
}
