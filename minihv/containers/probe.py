"""What this host allows containers, found by trying, each try in a process of its own.

`facts()` is for `minihv doctor`: (what, does it work, detail, how to get it).
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from minihv.containers import cgroups, linux, syscalls
from minihv.errors import MinihvError

TRY = """
import os, sys
sys.path.insert(0, sys.argv[1])
from minihv.containers import syscalls
ids = {'setgroups': 'deny', 'uid_map': f'0 {os.getuid()} 1', 'gid_map': f'0 {os.getgid()} 1'}
syscalls.unshare(sys.argv[2].split())
for name, text in ids.items() if 'user' in sys.argv[2] else ():
    with open('/proc/self/' + name, 'w') as f:
        f.write(text)
if len(sys.argv) > 3:
    syscalls.mount(None, '/', '', 'rec private')
    syscalls.mount('t', '/tmp', 'tmpfs', '', 'mode=755')
    for name in 'abcd':
        os.mkdir('/tmp/' + name)
    syscalls.mount('o', '/tmp/d', 'overlay', '', sys.argv[3])
"""
AS_ROOT = "run as root, or allow user namespaces: sysctl user.max_user_namespaces=10000"


class Fact(NamedTuple):
    """One line of the report."""

    what: str
    works: bool
    detail: str
    remedy: str


def attempt(kinds: str, *more: str) -> str:
    """Empty if a process may do it, else what the kernel said."""
    import subprocess

    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    try:
        done = subprocess.run([sys.executable, "-c", TRY, root, kinds, *more], timeout=20,
                              capture_output=True, text=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def facts() -> list[Fact]:
    """All of it, in the order in which one thing needs the other."""
    if not sys.platform.startswith("linux"):
        return [Fact("containers", False, f"{sys.platform} is not Linux", "use the model")]
    user = "" if os.getuid() == 0 else "user "
    found = []
    for kind in syscalls.CLONE:
        said = attempt(kind if kind == "user" else user + kind)
        found.append(Fact(f"{kind} namespace", not said, said or "can be made", AS_ROOT))
    options = "lowerdir=/tmp/a,upperdir=/tmp/b,workdir=/tmp/c" + (",userxattr" if user else "")
    said = attempt(user + "mnt", options)
    found.append(Fact("overlay root", not said, said or "can be mounted",
                      "modprobe overlay; Linux 5.11 or later for ordinary users"))
    limits = cgroups.Limits.make(f"probe-{os.getpid()}", pids=100, memory=1 << 26, cpus=0.5)
    limits.remove()
    for limit in ("memory", "pids", "cpus"):
        detail = limits.works.get(limit) or limits.missing[limit]
        found.append(Fact(f"limit on {limit}", limit in limits.works, detail,
                          "run as root, with the controller in a mounted cgroup tree"))
    try:
        linux.Kernel().close()
        found.append(Fact("throw-away world", True, "can be made", ""))
    except MinihvError as error:
        found.append(Fact("throw-away world", False, str(error), AS_ROOT))
    return found
