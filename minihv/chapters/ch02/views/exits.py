"""ExitView: why a guest leaves the hart, how often, and the last exits; live while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import traitlets

from minihv.asm import disassemble
from minihv.chapters.ch00.views.snapshot import Symbols
from minihv.course.views.draw import box, svg, text
from minihv.course.views.view import View, page
from minihv.devices.virt import End
from minihv.errors import ConfigError
from minihv.hw.bits import MASK64
from minihv.hw.causes import cause_name
from minihv.vmm import VM, Reason, VMExit

LINES, STILL_LINES = 14, 8  # of the log that are shown
SLICE = 20_000  # instructions between two pictures of a running guest
WIDTH = 860


class ExitView(View):
    """The exits of a VM by reason, and its log. `vm` has its guest loaded.

    What a learner does in the page can be done from a cell: `run`, `choose`. `chosen` is the
    reason whose exits the log shows, "" for all.
    """

    _esm, _css = page(__file__)
    place = "exit_view"
    state = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)

    def __init__(self, vm: VM, symbols: dict[str, int] | None = None):
        if not isinstance(vm, VM):
            raise ConfigError(f"ExitView wants a VM, not {type(vm).__name__}: a bare machine has "
                              "no hypervisor that a guest could exit to")
        super().__init__()
        self.vm = vm
        self.symbols = Symbols(symbols or (vm.image.symbols if vm.image else {}))
        self.end: End | None = None
        self.observe(lambda change: self._show(False), "chosen")
        self._show(False)

    # --- what a learner does ------------------------------------------------------------------

    def run(self, instructions: int) -> End:
        """Run the guest for so many instructions; the picture follows."""
        goal = self.vm.executed + instructions
        while True:
            self.end = self.vm.run(min(SLICE, goal - self.vm.executed))
            going_on = self.end.reason == "budget" and self.vm.executed < goal
            self._show(going_on)
            if not going_on:
                return self.end

    def choose(self, reason: str) -> None:
        """Let the log show the exits with this reason only; "" for all."""
        if reason and reason not in set(Reason):
            raise ConfigError(f"no reason {reason!r}: choose of {', '.join(Reason)}")
        self.chosen = str(reason)

    def obey(self, command: dict[str, Any]) -> None:
        """Run a slice (the page asks again while it runs), stop, or choose."""
        do: dict[str, Callable[[], Any]] = {
            "run": self._slice, "pause": lambda: self._show(False),
            "choose": lambda: self.choose(str(command.get("with", ""))),
        }
        action = do.get(str(command.get("do")))
        if action is not None:
            action()

    def _slice(self) -> None:
        self.end = self.vm.run(SLICE)
        self._show(self.end.reason == "budget")

    # --- what is shown ------------------------------------------------------------------------

    def _show(self, running: bool) -> None:
        exits, instructions = self.vm.exits, self.vm.instructions
        total = sum(exits.values())
        bars = [{"reason": str(reason), "meaning": self.words[f"why_{reason}"],
                 "count": exits[reason]} for reason in Reason if exits[reason]]
        self.state = {
            "running": running, "total": total, "instructions": instructions,
            "bars": sorted(bars, key=lambda bar: -int(bar["count"])),
            "log": [self._line(exit) for exit in self._last()],
            "said": self._said(running, total, instructions),
        }

    def _last(self) -> Iterable[VMExit]:
        """Return the last exits, the newest first, with the chosen reason."""
        log = [exit for exit in self.vm.exits.log if self.chosen in ("", exit.reason)]
        return reversed(log[-LINES:])

    def _line(self, exit: VMExit) -> dict[str, str]:
        what = disassemble(exit.instruction) if exit.instruction else ""
        cause = cause_name(exit.cause) if exit.cause >= 0 else ""
        where = f"{exit.gva & MASK64:#x}" if exit.gva != -1 else ""
        pc = exit.pc & MASK64
        return {"reason": str(exit.reason), "pc": f"{pc:#x}", "symbol": self.symbols.near(pc),
                "what": what or cause, "address": where}

    def _said(self, running: bool, total: int, instructions: int) -> str:
        rate = 1000 * total / instructions if instructions else 0.0
        text = self.words["summary"].format(total=f"{total:,}", instructions=f"{instructions:,}",
                                            rate=f"{rate:.1f}")
        if self.end is not None and self.end.reason != "budget" and not running:
            text += " " + self.words["ended"].format(reason=self.end.reason)
        return text

    def text(self) -> str:
        """Return the counts, and the last exits."""
        lines = [f"{self.words['title']}: {self.state['said']}"]
        lines += [f"{bar['count']:>9,} × {bar['reason']:9} {bar['meaning']}"
                  for bar in self.state["bars"]]
        return "\n".join(lines)

    def picture(self) -> str:
        """Bars by reason on top, the last exits below."""
        state, words = self.state, self.words
        parts = [text(16, 26, words["title"], bold=True, size=14),
                 text(16, 46, state["said"], size=12, ink="faint")]
        y, most = 58.0, max([bar["count"] for bar in state["bars"]], default=1)
        for bar in state["bars"]:
            wide = max(2.0, 330 * bar["count"] / most)
            parts += [text(92, y + 16, bar["reason"], size=12.5, bold=True, anchor="end"),
                      box(102, y + 3, wide, 17, "host", round=2),
                      text(110 + wide, y + 16, f"{bar['count']:,}", size=12.5, bold=True),
                      text(520, y + 16, bar["meaning"], size=12, ink="faint")]
            y += 24
        y += 22
        parts.append(text(16, y, words["log"], size=12, bold=True, ink="faint"))
        for line in state["log"][:STILL_LINES]:
            y += 18
            row = f"{line['reason']:<9}{line['pc']:<20}{line['what'][:44]:<46}{line['address']}"
            parts.append(text(16, y, row, mono=True, size=12))
        return svg(WIDTH, y + 16, words["title"], *parts, description=self.text())
