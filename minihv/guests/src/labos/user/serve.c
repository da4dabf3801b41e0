// A service: what comes in over the console goes out again.
#include "lib.h"

int main(void)
{
    char request[256];
    for (;;) {
        long size = read(request, sizeof request);
        if (size < 0 || write(request, size) != size)
            return 1;
    }
}
