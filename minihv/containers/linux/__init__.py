"""The real kernel: throw-away worlds with the API of the model, and containers that run programs.

    syscalls, cgroups, seccomp, net     what Python lacks
    interpreter             this Python as a file that nobody can write
    wire, agent, worlds     helper processes, which see the standard library only
    kernel                  worlds as a program sees them
    runtime                 containers
    probe                   what this host allows
"""

from minihv.containers.linux.kernel import Helper as Helper
from minihv.containers.linux.kernel import Kernel as Kernel
