"""A small kernel: processes, users and namespaces, with Linux's rules for who may do what.

Deterministic, and needs no privilege: what happens here would happen on Linux 6.17 or later, which
tests/containers/test_differential.py checks against the real kernel. A system call is a method of
Process and raises OSError with Linux's errno and the rule that refused. Each kind of namespace is
in one file with the calls on what it divides:

    task       the state of a process and its rights; what all kinds of namespaces share
    users      user namespaces; ids and capabilities
    pids       pid namespaces; life and death
    resources  uts, ipc, net and time namespaces and control groups, and what is in them
    tree, mounts, propagation            files, mounts, and what an event on a mount does elsewhere
    files, mounting                      the calls on them; mount namespaces
    process, kernel                      clone, unshare, setns; a machine
"""

from minihv.containers.model.kernel import Kernel as Kernel
from minihv.containers.model.process import Process as Process
from minihv.containers.model.users import CAPS as CAPS
from minihv.containers.model.users import NOBODY as NOBODY
from minihv.containers.model.users import UserNamespace as UserNamespace
