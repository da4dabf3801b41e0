"""A fresh kernel for `minihv check`: runs cells under a time limit and an output limit.

The kernel leads a process group of its own, which is killed as a whole at the end. It gets a
folder of its own for everything that a session writes, so that a judged notebook leaves no trace
in the learner's progress or history.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minihv.errors import MinihvError

ANSWERS = "minihv.course.beside"  # what answers in the kernel
READY_SECONDS = 60.0
GRACE_SECONDS = 5.0  # to end after an interrupt
MOST_BYTES = 10 << 20  # of output of one cell


class KernelError(MinihvError):
    """No kernel could be started."""


@dataclass(frozen=True)
class Ran:
    """How a cell ended: "ok", "error" (`name`: `text`), "slow" (interrupted), "flood" (too much
    output, interrupted), "stuck" (would not be interrupted) or "died". Where `gone`, the kernel
    cannot be used any more."""

    how: str
    name: str = ""
    text: str = ""
    gone: bool = False


def this_python() -> Any:
    """Return a kernel specification for this very Python, whatever kernels are installed."""
    from jupyter_client.kernelspec import KernelSpec

    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
            "--HistoryManager.enabled=False", "--log-level=ERROR"]  # fmt: skip
    return KernelSpec(argv=argv, display_name="minihv", language="python")


def environment(scratch: Path) -> dict[str, str]:
    """Return a kernel's environment: it writes into `scratch` and uses this very minihv."""
    source = str(Path(__file__).parents[3])
    paths = [source, os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "MINIHV_STATE": str(scratch / "progress.json"),
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


class Kernel:
    """A running kernel; close() kills it and all that it started."""

    def __init__(self, folder: Path):
        from jupyter_client.manager import KernelManager

        self._scratch = tempfile.TemporaryDirectory(prefix="minihv-check-")
        self.scratch = Path(self._scratch.name)
        self._manager = KernelManager(connection_file=str(self.scratch / "kernel.json"))
        self._manager._kernel_spec = this_python()
        self._client: Any = None
        self._group = 0
        try:
            self._start(folder)
        except Exception as error:
            self.close()
            raise KernelError(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.close()
            raise

    def _start(self, folder: Path) -> None:
        self._manager.start_kernel(cwd=str(folder), env=environment(self.scratch),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._group = getattr(self._manager.provisioner, "pgid", None) or 0
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=READY_SECONDS)

    def run(self, source: str, seconds: float) -> Ran:
        """Run one cell."""
        sent = self._client.execute(source, store_history=False, allow_stdin=False,
                                    stop_on_error=False)  # fmt: skip
        return _Watch(self, sent, seconds).wait()

    def message(self, wait: float) -> dict[str, Any] | None:
        """Return the next message of the kernel; None if there is none yet, or one that makes no
        sense: the notebook may have broken what its kernel speaks with."""
        try:
            return self._client.get_iopub_msg(timeout=wait)
        except Exception:
            return None

    @property
    def alive(self) -> bool:
        """True if the kernel's process runs."""
        return self._manager.is_alive()

    def interrupt(self) -> None:
        """Ask the kernel to stop what it does."""
        self._manager.interrupt_kernel()

    def ask(self, number: str, asked: Any, seconds: float) -> tuple[Ran, Any]:
        """Let the notebook's code answer exercise `number`; how it went, and the outcomes."""
        asked_file, reply_file = self.scratch / "asked.json", self.scratch / "reply.json"
        asked_file.write_text(json.dumps(asked), encoding="utf-8")
        reply_file.unlink(missing_ok=True)
        call = f"hand_back({number!r}, {str(asked_file)!r}, {str(reply_file)!r})"
        ran = self.run(f"__import__({ANSWERS!r}, fromlist=['hand_back']).{call}", seconds)
        return ran, _reply(reply_file)

    def close(self) -> None:
        """Kill the kernel and its children."""
        if self._client is not None:
            self._client.stop_channels()
        if self._group and hasattr(os, "killpg"):
            try:
                os.killpg(self._group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # all gone already
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._scratch.cleanup()


def _reply(path: Path) -> Any:
    """Return what the kernel wrote; None if it wrote nothing sensible."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


class _Watch:
    """Waits for one cell's end, and sees that it comes."""

    def __init__(self, kernel: Kernel, sent: str, seconds: float):
        self.kernel, self.sent = kernel, sent
        self.end = time.monotonic() + seconds
        self.ran = Ran("ok")
        self.bytes = 0
        self.interrupted = ""  # why, once it was

    def wait(self) -> Ran:
        while True:
            message = self.kernel.message(0.1)
            if message is not None and self._take(message):
                return Ran(self.interrupted) if self.interrupted else self.ran
            if message is None and not self.kernel.alive:
                return Ran("died", gone=True)
            if self.bytes > MOST_BYTES and not self.interrupted:
                self._interrupt("flood")
            elif time.monotonic() > self.end:
                if self.interrupted:
                    return Ran(self.interrupted.replace("slow", "stuck"), gone=True)
                self._interrupt("slow")

    def _interrupt(self, why: str) -> None:
        self.interrupted = why
        self.end = time.monotonic() + GRACE_SECONDS
        self.kernel.interrupt()

    def _take(self, message: dict[str, Any]) -> bool:
        """Note a message; tell if it says that the cell is done."""
        parent, content = message.get("parent_header"), message.get("content")
        kind = message.get("msg_type")
        if not isinstance(parent, dict) or parent.get("msg_id") != self.sent:
            return False
        if not isinstance(content, dict):
            return False
        if kind == "status":
            return content.get("execution_state") == "idle"
        if kind == "error":
            self.ran = Ran("error", str(content.get("ename", "")), str(content.get("evalue", "")))
        elif kind == "stream":
            self.bytes += len(str(content.get("text", "")))
        elif isinstance(content.get("data"), dict):
            self.bytes += sum(len(str(value)) for value in content["data"].values())
        return False
