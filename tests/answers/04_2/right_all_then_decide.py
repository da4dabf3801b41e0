"""Runs all probes first, and decides by which of them differ."""

from pathlib import Path

NAMES = {}
exec((Path(__file__).parent / "right_probes.py").read_text(), NAMES)


def find_fault(run, bare):
    differing = [name for name, source, register in NAMES["PROBES"]
                 if run(source).x[register] != bare(source).x[register]]
    return differing[0]
