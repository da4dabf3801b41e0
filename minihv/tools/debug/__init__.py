"""`minihv debug`: a terminal debugger that also goes backwards. What the guest prints follows "| ".

    prompt     reads the commands
    commands   what each does
    session    what they work on
"""

from __future__ import annotations

import argparse

from minihv.tools.run import machine_arguments, machine_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv debug`."""
    machine_arguments(parser)


def main(options: argparse.Namespace) -> int:
    """Debug until quit or the end of input; return the exit status."""
    from minihv.tools.debug.prompt import debug

    return debug(machine_of(options))
