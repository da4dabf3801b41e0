"""What the peers do not know: tests that compare with one of them leave these extensions out.

A new row of the encoding table is compared with every peer. If a peer cannot know it, its
extension belongs here, and nowhere else; the tests then skip its rows by name.
"""

from collections.abc import Iterable

import pytest

from minihv.hw.isa import INSTRUCTIONS, Instruction

UNICORN, CAPSTONE, CLANG = "Unicorn", "Capstone", "clang"
WITHOUT_PEER: dict[str, dict[str, str]] = {
    "H": {UNICORN: "has an older draft of it", CAPSTONE: "does not have it (version 5)"},
    "Svinval": {UNICORN: "is too old for it", CAPSTONE: "does not have it (version 5)"},
}
HINT = "if the peer does not have that extension, say so in tests/hw/peers.py"


def knows(peer: str, row: Instruction) -> bool:
    """Whether `peer` can be asked about an instruction."""
    return peer not in WITHOUT_PEER.get(row.extension, {})


def rows(peer: str, among: Iterable[Instruction] = INSTRUCTIONS) -> list:
    """Instructions as parameters of a test; those that `peer` does not know are skipped."""
    return [
        pytest.param(row, id=row.name, marks=() if knows(peer, row) else pytest.mark.skip(
            f"{row.extension}: {peer} {WITHOUT_PEER[row.extension][peer]}"))
        for row in among
    ]  # fmt: skip
