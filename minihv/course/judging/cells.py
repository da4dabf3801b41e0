"""Where a judged notebook's cells run: a process that takes cells and questions, one at a time.

It speaks JSON lines over its standard input and output; what the cells print goes to stderr.
The learner's code can do here whatever it likes, also speak in our place: the judge, at the other
end, believes nothing. Imports nothing that draws cases or knows answers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from minihv.course.answers import described
from minihv.course.beside import outcomes_of

LONGEST = 500  # characters of an error's text


def main() -> None:
    """Serve until the other end closes."""
    asking, answering = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    shell = make_shell()
    reply(answering, {"ready": True})
    for line in asking:
        asked = json.loads(line)
        reply(answering, {"id": asked["id"]} | answer(shell, asked))


def reply(lines: Any, content: dict[str, Any]) -> None:
    """Write a line."""
    lines.write(json.dumps(content).encode() + b"\n")
    lines.flush()


def make_shell() -> Any:
    """Return the shell that notebooks know: magics, `await`, display()."""
    from IPython.core.interactiveshell import InteractiveShell

    shell: Any = InteractiveShell.instance(colors="NoColor")
    shell.history_manager.enabled = False
    return shell


def answer(shell: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Run a cell, or let the notebook's variables answer a question."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if "cell" in asked:
            return ran(shell.run_cell(asked["cell"], store_history=False))
        return {"outcomes": outcomes(asked["exercise"], asked["asked"], asked["seconds"])}
    except BaseException as error:  # what a cell leaves behind may raise at any point
        return failed(error)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def ran(result: Any) -> dict[str, Any]:
    """Return how a cell ended."""
    error = result.error_before_exec or result.error_in_exec
    return failed(error) if error is not None else {"how": "ok"}


def failed(error: BaseException) -> dict[str, Any]:
    """Return an error as data."""
    name, _, text = described(error).partition(": ")
    return {"how": "error", "name": name[:LONGEST], "text": text[:LONGEST]}


def outcomes(exercise: str, asked: Any, seconds: float) -> list:
    """Return the outcomes of the notebook's answer to what is `asked`."""
    from minihv.course.beside import beside

    wanted = beside(exercise).names
    names = vars(sys.modules["__main__"])
    lacking = [name for name in wanted if name not in names]
    if lacking:
        return [["missing", lacking[0]]]
    return outcomes_of(exercise, [names[name] for name in wanted], asked, seconds)
