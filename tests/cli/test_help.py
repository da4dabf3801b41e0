"""`--help` of every command: says what it does, exits 0, and loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from minihv.cli import COMMANDS

HEAVY = ("numpy", "llvmlite", "IPython", "ipywidgets")
CODE = """
import sys
from minihv.cli import main
try:
    main([*sys.argv[1:], "--help"])
finally:
    print(*(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_light(command):
    heavy = set(HEAVY)
    if command in ("run", "debug"):
        heavy.remove("numpy")  # modes and pagings are the hypervisor's own table
    argv = [sys.executable, "-c", CODE.format(heavy=sorted(heavy)), *([command] if command else [])]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    what = [COMMANDS[command]] if command else [f"{name} " for name in COMMANDS]
    assert all(text.lower() in " ".join(done.stdout.lower().split()) for text in what)
