"""Running the command line as its users do: as a process, with pipes or on a terminal."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

from minihv.asm import assemble
from tests.devices.programs import EXIT

SECONDS = 240  # for anything; the machine that runs the tests may be busy
MINIHV = [sys.executable, "-m", "minihv"]


def run(*arguments: object, stdin: bytes = b"",
        env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """`minihv` with these arguments, to its end."""
    command = [*MINIHV, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=SECONDS, env=env)


class Started(subprocess.Popen):
    """A process that nobody waits for longer than SECONDS, nor at all once the test has failed."""

    def wait(self, timeout: float | None = SECONDS) -> int:
        return super().wait(timeout)

    def communicate(self, input: bytes | None = None, timeout: float | None = SECONDS) -> tuple:
        return super().communicate(input, timeout)

    def __exit__(self, kind: type | None, *rest: object) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


def start(*arguments: object, **options: object) -> Started:
    """`minihv` with these arguments, running; streams are pipes unless `options` say otherwise.
    Output is buffered as a user's is, whatever the tests' own environment says."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return Started([*MINIHV, *map(str, arguments)], **{"env": env, **pipes, **options})


def read_until(fd: int, wanted: bytes) -> bytes:
    """Bytes from `fd` up to the first that end in `wanted`."""
    data, limit = b"", time.monotonic() + SECONDS
    while not data.endswith(wanted):
        assert select.select([fd], [], [], max(limit - time.monotonic(), 0))[0], data
        piece = os.read(fd, 1)
        assert piece, f"ended with {data!r}"
        data += piece
    return data


def one_line(stderr: bytes) -> str:
    """Return the only line of `stderr`."""
    lines = stderr.decode().splitlines()
    assert len(lines) == 1, stderr.decode()
    assert "Traceback" not in lines[0]
    return lines[0]


def elf(folder: Path, source: str, name: str = "guest") -> Path:
    """An ELF file assembled from `source`, with `exit` (a0 = status) after it."""
    path = folder / f"{name}.elf"
    path.write_bytes(assemble(source + EXIT if "exit:" not in source else source).elf())
    return path
