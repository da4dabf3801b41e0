"""With the package's own function."""

import struct

from minihv.cloud.surface import run_filter


def allowed(filter, numbers, arch, argument):
    program = b"".join(struct.pack("HBBI", *line) for line in filter)
    return [n for n in numbers
            if run_filter(program, n, arch, (argument,)) in (0x7FFF0000, 0x7FFC0000)]
