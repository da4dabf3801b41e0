"""How a program talks to its helper processes: one JSON request, one JSON reply, and descriptors.

A helper is a fresh Python (`python -I -S`), single-threaded, since a process with threads may not
unshare its user namespace; it sees no site packages. When a socket closes, its server ends.
"""

from __future__ import annotations

import array
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

PATIENCE = 10.0  # seconds
# The packages' __init__ files are passed over: so a helper starts in 15 ms, and stays small.
BOOT = """
import sys, types
for name in ('minihv', 'minihv.containers', 'minihv.containers.linux',
             'minihv.containers.linux.runtime'):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[2] + name[6:].replace('.', '/')]
from minihv.containers.linux.{module} import main
main()
"""


def start_helper(module: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a helper that runs the `main` of a module here; return it and the socket it serves."""
    import subprocess

    ours, theirs = pair()
    ours.settimeout(PATIENCE)
    package = str(Path(__file__).parents[2])
    command = [sys.executable, "-I", "-S", "-c", BOOT.format(module=module)]
    process = subprocess.Popen([*command, str(theirs.fileno()), package],
                               pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    return process, ours


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def request(sock: socket.socket, call: str, args: tuple[Any, ...],
            fds: list[int] | None = None) -> tuple[Any, list[int]]:
    """Make one call; return its result and the descriptors that came with it."""
    send(sock, {"call": call, "args": args}, fds or [])
    data, got, _, _ = socket.recv_fds(sock, 1 << 20, 4)
    if not data:
        raise ConnectionResetError("the process died during the call")
    reply = json.loads(data)
    if "errno" in reply:
        raise OSError(reply["errno"], reply["why"])
    return reply["ok"], got


def send(sock: socket.socket, message: dict[str, Any], fds: list[int]) -> None:
    """Send one message, with descriptors beside it."""
    sock.sendmsg([json.dumps(message).encode()],
                 [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def serve(sock: socket.socket, server: Any) -> None:
    """Answer requests by calling methods of `server` until the other end closes.

    `server.fds` holds the descriptors of the request. The results of `clone` and `boot` are pairs:
    the reply, and descriptors to go with it. `server.idle`, if there is one, is called in between.
    """
    server.sock = sock
    while True:
        data, server.fds, _, _ = socket.recv_fds(sock, 1 << 16, 4)
        if not data:
            return
        request = json.loads(data)
        out: list[int] = []
        try:
            reply = {"ok": getattr(server, request["call"])(*request["args"])}
            if request["call"] in ("clone", "boot"):
                reply["ok"], out = reply["ok"]
        except OSError as error:
            reply = {"errno": error.errno or 0, "why": str(error).partition("] ")[2] or str(error)}
        send(sock, reply, out)
        for fd in [*server.fds, *out]:
            os.close(fd)
        if idle := getattr(server, "idle", None):
            idle()
