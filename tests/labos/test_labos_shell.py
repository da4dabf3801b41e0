"""The shell, its console input fed in advance."""

import pytest

from tests.labos import boards

KEYS = "\n\nhelp\necho hi  there\nnothing\nfail status=3\nforks n=5\nechoo\b x\nexit 2\n"
TALK = """\
$ help
echo WORDS, or a workload with its arguments: compute syscalls pingpong faults forks
churn memory ticks; exit [STATUS]
$ echo hi  there
hi  there
$ nothing
sh: no program nothing
$ fail status=3
sh: status 3
$ forks n=5
forks: n=5 live=4 pages=4 sum=30
$ echoo\b \b x
x
$ exit 2
labos: power off, failed
"""


@pytest.mark.parametrize("harts", [1, 2])
@pytest.mark.parametrize("board", boards.BOARDS)
def test_a_session(board, harts):
    """The empty lines come first because OpenSBI swallows input that arrives before it is ready."""
    result = boards.run(board, "shell", harts, keys=KEYS)
    assert result.console[result.console.index("$ help"):] == TALK
