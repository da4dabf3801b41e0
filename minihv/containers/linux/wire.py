"""How a program talks to its helper processes: one JSON request, one JSON reply, and descriptors.

A helper is a fresh Python (`python -I -S`), single-threaded, since a process with threads may not
unshare its user namespace; it sees no site packages. When a socket closes, its server ends.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

PATIENCE = 10.0  # seconds
MOST_FDS = 32  # beside one message
LONGEST, LONG = 1 << 15, b"+"  # bytes in one message; what stands for a longer one


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def request(sock: socket.socket, call: str, args: tuple[Any, ...],
            fds: list[int] | None = None) -> tuple[Any, list[int]]:
    """Make one call; return its result and the descriptors that came with it."""
    send(sock, {"call": call, "args": args}, fds or [])
    data, got = receive(sock)
    if not data:
        raise ConnectionResetError("the process died during the call")
    reply = json.loads(data)
    if "errno" in reply:
        raise OSError(reply["errno"], reply["why"])
    return reply["ok"], got


def send(sock: socket.socket, message: dict[str, Any], fds: list[int]) -> None:
    """Send one message, with descriptors beside it; a long one in a file of its own."""
    data, more = json.dumps(message).encode(), []
    if len(data) > LONGEST:
        data, more = LONG, [note(data)]
    try:
        socket.send_fds(sock, [data], [*fds, *more])
    finally:
        for fd in more:
            os.close(fd)


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """Return what `send` sent, in JSON, or nothing if the other end is closed."""
    data, fds, _, _ = socket.recv_fds(sock, LONGEST, MOST_FDS)
    if data == LONG:
        with open(fds.pop(), "rb") as f:
            data = f.read()
    return data, fds


def note(data: bytes) -> int:
    """Return a descriptor to read these bytes from."""
    fd = os.memfd_create("note")
    with open(fd, "wb", closefd=False) as f:
        f.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def serve(sock: socket.socket, server: Any) -> None:
    """Answer requests by calling methods of `server` until the other end closes.

    `server.fds` holds the descriptors of the request. The results of `clone` and `boot` are pairs:
    the reply, and descriptors to go with it. `server.idle`, if there is one, is called in between.
    """
    server.sock = sock
    while True:
        data, server.fds = receive(sock)
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
