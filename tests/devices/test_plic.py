"""The PLIC: routing, priorities, thresholds, and gateways that neither lose nor invent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minihv.devices.plic import CONTEXT, CONTEXT_STRIDE, ENABLE, ENABLE_STRIDE, PENDING, Plic
from minihv.hw.bus import AccessFault

from .fakes import Line


class Board:
    """A PLIC with four contexts and their lines."""

    def __init__(self):
        self.lines = [Line() for _ in range(4)]
        self.plic = Plic(self.lines)

    def setup(self, source, context=0, priority=1):
        self.plic.write(4 * source, 4, priority)
        at = ENABLE + ENABLE_STRIDE * context + source // 32 * 4
        self.plic.write(at, 4, self.plic.read(at, 4) | 1 << source % 32)

    def threshold(self, context, value):
        self.plic.write(CONTEXT + CONTEXT_STRIDE * context, 4, value)

    def claim(self, context=0):
        return self.plic.read(CONTEXT + CONTEXT_STRIDE * context + 4, 4)

    def complete(self, source, context=0):
        self.plic.write(CONTEXT + CONTEXT_STRIDE * context + 4, 4, source)

    def pending(self, source):
        return self.plic.read(PENDING + source // 32 * 4, 4) >> source % 32 & 1

    def levels(self):
        return [line.level for line in self.lines]


@pytest.fixture
def board():
    return Board()


@pytest.mark.parametrize("source", [1, 10, 31, 32, 64, 95])
@pytest.mark.parametrize("context", [0, 3])
def test_one_interrupt_from_line_to_completion(board, source, context):
    board.setup(source, context)
    uart = board.plic.line(source)
    uart(True)
    assert board.pending(source)
    assert board.levels() == [c == context for c in range(4)]
    assert board.claim(context) == source
    assert not board.pending(source) and not any(board.levels())
    assert board.claim(context) == 0
    uart(False)
    board.complete(source, context)
    assert not board.pending(source) and not any(board.levels())


def test_line_still_high_at_completion_interrupts_again(board):
    board.setup(10)
    board.plic.set_line(10, True)
    assert board.claim() == 10
    board.complete(10)
    assert board.pending(10) and board.levels()[0]


def test_no_new_request_between_claim_and_completion(board):
    board.setup(10)
    board.plic.set_line(10, True)
    board.claim()
    board.plic.set_line(10, False)
    board.plic.set_line(10, True)
    assert not board.pending(10) and not board.levels()[0], "the gateway is closed"
    board.plic.set_line(10, False)
    board.complete(10)
    assert not board.pending(10)


def test_pending_survives_a_line_that_drops(board):
    board.setup(10)
    board.plic.set_line(10, True)
    board.plic.set_line(10, False)
    assert board.claim() == 10


def test_disabled_or_priority_zero_does_not_interrupt_but_is_pending(board):
    board.setup(5, priority=0)
    board.plic.write(4 * 6, 4, 7)
    for source in (5, 6):
        board.plic.set_line(source, True)
        assert board.pending(source)
    assert not any(board.levels()) and board.claim() == 0
    board.plic.write(4 * 5, 4, 1)
    assert board.levels()[0], "raising the priority is enough"


def test_priority_decides_then_the_lowest_id(board):
    for source, priority in [(3, 2), (4, 5), (9, 5), (40, 7)]:
        board.setup(source, priority=priority)
        board.plic.set_line(source, True)
    assert [board.claim() for _ in range(5)] == [40, 4, 9, 3, 0]


def test_threshold_masks_up_to_its_own_value(board):
    board.setup(7, priority=3)
    board.plic.set_line(7, True)
    for threshold, level in [(2, True), (3, False), (7, False), (0, True)]:
        board.threshold(0, threshold)
        assert board.levels()[0] == level
    board.threshold(0, 7)
    assert board.claim() == 7, "a claim does not look at the threshold"


def test_two_contexts_race_for_one_interrupt(board):
    board.setup(8, 0)
    board.setup(8, 1)
    board.plic.set_line(8, True)
    assert board.levels() == [True, True, False, False]
    assert board.claim(1) == 8
    assert board.claim(0) == 0 and not any(board.levels())


def test_completion_by_a_context_without_the_source_is_ignored(board):
    board.setup(8, 0)
    board.plic.set_line(8, True)
    board.claim(0)
    for source in (0, 9, 96, 0xFFFFFFFF):
        board.complete(source, 0)
    board.complete(8, 1)
    assert not board.pending(8)
    board.complete(8, 0)
    assert board.pending(8)


def test_registers_keep_the_bits_that_exist(board):
    board.plic.write(0, 4, 7)
    board.plic.write(4 * 96, 4, 7)
    board.plic.write(4, 4, 0xFFFFFFFF)
    board.threshold(2, 0xFFFFFFFF)
    board.plic.write(PENDING, 4, 0xFFFFFFFF)
    for word in range(5):
        board.plic.write(ENABLE + 4 * word, 4, 0xFFFFFFFF)
    read = board.plic.read
    assert (read(0, 4), read(4 * 96, 4), read(4, 4)) == (0, 0, 7)
    assert read(CONTEXT + 2 * CONTEXT_STRIDE, 4) == 7 and read(PENDING, 4) == 0
    enables = [read(ENABLE + 4 * word, 4) for word in range(5)]
    assert enables == [0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0]


def test_enable_words_are_separate_and_can_be_cleared(board):
    for word, value in enumerate((0xFFFFFFFE, 0x0F0F0F0F, 0xAAAAAAAA)):
        board.plic.write(ENABLE + ENABLE_STRIDE + 4 * word, 4, value)
    board.plic.write(ENABLE + ENABLE_STRIDE + 4, 4, 0x10)
    read = [board.plic.read(ENABLE + ENABLE_STRIDE + 4 * word, 4) for word in range(3)]
    assert read == [0xFFFFFFFE, 0x10, 0xAAAAAAAA]
    assert board.plic.read(ENABLE, 4) == 0, "another context"


def test_nothing_is_claimed_or_enabled_at_first(board):
    board.plic.write(4, 4, 1)
    board.plic.set_line(1, True)
    assert not any(board.levels()) and board.pending(1)
    board.plic.write(ENABLE, 4, 2)
    assert board.levels() == [True, False, False, False] and board.claim() == 1


def test_absent_contexts_read_zero(board):
    for offset in (ENABLE + 4 * ENABLE_STRIDE, CONTEXT + 4 * CONTEXT_STRIDE, CONTEXT + 8, 0x5FFFFC):
        board.plic.write(offset, 4, 0xFFFFFFFF)
        assert board.plic.read(offset, 4) == 0


@pytest.mark.parametrize("offset, size", [(4, 1), (4, 2), (0, 8), (6, 4)])
def test_other_widths_are_access_faults(board, offset, size):
    with pytest.raises(AccessFault):
        board.plic.read(offset, size)
    with pytest.raises(AccessFault):
        board.plic.write(offset, size, 1)


@pytest.mark.parametrize("source", [0, -1, 96])
def test_line_of_a_source_that_does_not_exist(board, source):
    with pytest.raises(ValueError, match=f"interrupt source {source} "):
        board.plic.line(source)


def test_snapshot(board):
    board.setup(10)
    board.setup(11, 1)
    board.plic.set_line(10, True)
    board.plic.set_line(11, True)
    board.claim(1)
    state = board.plic.save()
    board.claim(0)
    board.complete(11, 1)
    assert board.levels() == [False, True, False, False]
    board.plic.restore(state)
    assert board.levels() == [True, False, False, False]
    assert board.claim(0) == 10
    board.complete(11, 1)
    assert board.claim(1) == 11, "source 11's line is still high in the saved state"
    board.plic.restore(state)
    assert board.claim(0) == 10, "a saved state can be restored twice"


steps = st.lists(
    st.tuples(st.sampled_from(["up", "down", "claim", "complete"]), st.integers(1, 4)), max_size=40
)


@given(steps)
def test_gateways_against_a_model(sequence):
    """Each source is idle, pending or in service; no other transition happens."""
    board = Board()
    state, line = dict.fromkeys(range(1, 5), "idle"), dict.fromkeys(range(1, 5), False)
    for source in state:
        board.setup(source, priority=source)
    for what, source in sequence:
        if what in ("up", "down"):
            line[source] = what == "up"
            board.plic.set_line(source, line[source])
        elif what == "claim":
            best = max((s for s in state if state[s] == "pending"), default=0)
            assert board.claim() == best
            if best:
                state[best] = "in service"
        else:
            board.complete(source)
            if state[source] == "in service":
                state[source] = "idle"
        for s in state:
            if line[s] and state[s] == "idle":
                state[s] = "pending"
            assert board.pending(s) == (state[s] == "pending")
        assert board.levels()[0] == ("pending" in state.values())
