"""The last part of what a container of a Session writes, read from a pipe as it comes.

A file, or memory that the container writes to itself, would grow as long as it likes to write. So a
thread reads along, which ends when nobody can write any more.
"""

from __future__ import annotations

import contextlib
import os
import select

KEPT = 1 << 20  # bytes that `text` returns at most; up to twice as many are in memory


class Tail:
    """A pipe to write into, `writer`, and the last KEPT bytes that were written."""

    def __init__(self) -> None:
        import threading  # not when a browser imports this

        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.data, self.total, self.ended = bytearray(), 0, False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._follow, name="tail", daemon=True)

    def follow(self) -> None:
        """Begin to read; until then, who writes more than a pipe takes has to wait."""
        self.thread.start()

    def _follow(self) -> None:
        waiting = select.poll()  # select knows descriptors up to 1023 only
        waiting.register(self.reader, select.POLLIN)
        while not self.ended:
            waiting.poll()
            self._read()

    def _read(self) -> None:
        """Take what is there, but let a writer that is faster not hold us for ever."""
        with self.lock, contextlib.suppress(BlockingIOError):
            for _ in range(64):
                if self.ended:
                    return
                piece = os.read(self.reader, 1 << 16)
                self.data += piece
                self.total += len(piece)
                if len(self.data) > 2 * KEPT:
                    del self.data[:-KEPT]
                if not piece:
                    self.ended = True
                    os.close(self.reader)

    def close_writer(self) -> None:
        """Close our own side; those who write have it too, and with theirs it ends."""
        os.close(self.writer)

    def text(self) -> str:
        """Return what was written so far, behind a line that says how much of it is gone."""
        self._read()
        with self.lock:
            cut = max(0, self.total - KEPT)
            head = f"[minihv: the first {cut:,} bytes are not kept]\n" if cut else ""
            return head + bytes(self.data[-KEPT:]).decode(errors="replace")
