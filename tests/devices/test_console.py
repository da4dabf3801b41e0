"""The console: nothing lost, nothing repeated, listeners told of every change."""

from minihv.devices.console import Console


def test_output_is_kept_and_passed_on():
    live = []
    console = Console(sink=live.append)
    console.write(b"ab")
    console.write(b"")
    console.write(b"c")
    assert console.output == b"abc"
    assert live == [b"ab", b"c"]


def test_input_is_a_queue():
    console = Console()
    assert not console.pending() and console.read() == b""
    console.feed(b"abc")
    console.feed(b"d")
    assert console.pending() and console.queued() == 4
    assert console.read(0) == b"" and console.read(-2) == b"", "neither takes anything"
    assert console.read() == b"a" and console.read(2) == b"bc"
    assert console.read(3) == b"d"
    assert console.read(-1) == b"" and not console.pending()


def test_listeners_hear_of_input_that_comes_and_goes():
    console = Console()
    seen = []
    console.listen(lambda: seen.append(console.queued()))
    console.feed(b"xy")
    console.feed(b"")
    console.read(1)
    console.read(1)
    console.read(1)
    assert seen == [2, 1, 0]


def test_snapshot():
    live, seen = [], []
    console = Console(sink=live.append)
    console.write(b"before ")
    console.feed(b"in")
    state = console.save()
    console.write(b"after")
    console.read(2)
    console.listen(lambda: seen.append(console.queued()))
    console.restore(state)
    assert seen == [], "who listens has a saved state of its own"
    assert console.output == b"before " and console.read(9) == b"in"
    assert live == [b"before ", b"after"], "a restore must not print again"
    assert seen == [0]
    console.restore(state)
    assert console.queued() == 2, "a saved state can be restored twice"
