"""MachineView's kernel side: what it shows is the machine's state, in both directions of time."""

from __future__ import annotations

import pytest

from minihv import guests
from minihv.asm import assemble
from minihv.chapters.ch00 import MachineView
from minihv.chapters.ch00.views import machine as machine_view
from minihv.course.books.store import LIVE
from minihv.devices.timeline import Timeline
from minihv.devices.virt import Machine
from minihv.errors import ConfigError

LOOP = """
_start: la   t0, handler
        csrw mtvec, t0
loop:   addi s0, s0, 1
        ecall
        j    loop
        .balign 4
handler: csrr t1, mepc
        addi t1, t1, 4
        csrw mepc, t1
        mret
"""


@pytest.fixture
def view() -> MachineView:
    program = assemble(LOOP)
    machine = Machine(1 << 20, engine="python").load(program.elf(), boot="m")
    return MachineView(machine, symbols=program.symbols)


def shown(view: MachineView, name: str) -> dict:
    rows = [*view.state["registers"], *view.state["csrs"]]
    return next(row for row in rows if row["name"] == name)


def test_a_step_marks_what_changed_and_nothing_else(view: MachineView):
    view.run_to("loop")
    view.step()
    assert int(shown(view, "s0")["value"], 16) == 1
    changed = {row["name"] for row in view.state["registers"] if row["was"]}
    assert changed == {"s0"}
    assert shown(view, "s0")["was"] == "0x" + 16 * "0"


def test_a_trap_is_named(view: MachineView):
    view.run_to("loop")
    view.step(2)
    assert view.state["said"] == "Trap: Environment call from M-mode."
    assert view.state["symbol"] == "handler"
    assert shown(view, "mcause")["fields"] == "Environment call from M-mode"
    assert "MPP=M" in shown(view, "mstatus")["fields"]


def test_no_cause_is_shown_before_the_first_trap(view: MachineView):
    assert shown(view, "mcause")["fields"] == ""


def test_back_undoes_a_step_exactly(view: MachineView):
    view.step(7)
    before = dict(view.state)
    view.step()
    view.back()
    for key in ("pc", "priv", "console", "code", "now"):
        assert view.state[key] == before[key]
    assert [r["value"] for r in view.state["registers"]] == \
        [r["value"] for r in before["registers"]]


def test_back_at_the_start_says_so(view: MachineView):
    view.back()
    assert view.state["said"] == view.words["at_start"]
    assert view.state["now"] == 0


def test_scrubbing_shows_the_instant_and_keeps_the_end(view: MachineView):
    view.step(40)
    far = view.state["far"]
    view.goto(3)
    assert (view.state["now"], view.state["far"]) == (3, far)
    assert view.machine.instructions == 3


def test_breakpoints_stop_and_go(view: MachineView):
    view.toggle_breakpoint("handler")
    view.run()
    assert view.state["symbol"] == "handler"
    assert "handler" in view.state["said"]
    assert [row["pc"] for row in view.state["code"] if row["breakpoint"]] == \
        [f"{view.symbols.by_name['handler']:#x}"]
    first = view.state["now"]
    view.run()
    assert view.state["now"] > first
    view.toggle_breakpoint("handler")
    assert view.breakpoints == []


def test_run_to_leaves_no_breakpoint_behind(view: MachineView):
    view.toggle_breakpoint("handler")
    view.run_to("handler")
    assert view.breakpoints == [view.symbols.by_name["handler"]]
    view.toggle_breakpoint("handler")
    view.run_to("loop")
    assert view.state["symbol"] == "loop"
    assert view.breakpoints == []


def test_a_run_without_end_pauses(view: MachineView):
    view.run(most=1000)
    assert view.machine.executed == 1000
    assert "1,000" in view.state["said"]


@pytest.mark.parametrize("place", ["nowhere", "0xzz", ""])
def test_an_unknown_place_is_named(view: MachineView, place: str):
    with pytest.raises(ConfigError, match="neither a symbol"):
        view.run_to(place)


def test_the_page_hears_of_mistakes_and_the_machine_stands_still(view: MachineView):
    view.obey({"do": "run_to", "with": "nowhere"})
    assert view.state["wrong"] and "nowhere" in view.state["said"]
    assert view.state["now"] == 0
    view.obey({"do": "breakpoint", "with": "0x80000001"})
    assert view.state["wrong"]


def test_every_command_is_answered_even_if_nothing_changes(view: MachineView):
    turns = []
    view.observe(lambda change: turns.append(change["new"]["turn"]), "state")
    for command in ({"do": "back"}, {"do": "back"}, {"do": "goto", "with": 0}, {"do": "step"}):
        view.obey(command)
    assert len(turns) == 4


def test_code_around_pc_is_the_programs(view: MachineView):
    view.run_to("loop")
    listing = [(row["label"], row["text"]) for row in view.state["code"]]
    at = next(k for k, row in enumerate(view.state["code"]) if row["here"])
    assert listing[at] == ("loop", "addi s0, s0, 1")
    assert listing[at + 1] == ("", "ecall")
    assert listing[at - 1] == ("", "csrw mtvec, t0")


def test_zeros_around_the_program_are_no_code(view: MachineView):
    assert view.state["code"][0]["label"] == "_start"
    assert view.state["code"][-1]["text"] == "mret"


def test_where_nothing_can_be_fetched_the_listing_is_empty(view: MachineView):
    view.hart.pc = 0x1000
    view.obey({"do": "hart", "with": 0})
    assert view.state["code"] == []
    view.text()
    view.picture()


def test_a_guest_ends_and_its_console_is_shown():
    view = MachineView(Machine(16 << 20, engine="python").load(guests.path("hello")))
    view.run()
    assert "exit status 0" in view.state["said"]
    assert view.state["console"] and view.state["console"] in view.text()


def test_a_timeline_is_taken_as_it_is():
    machine = Machine(1 << 20, engine="python").load(assemble(LOOP).elf(), boot="m")
    timeline = Timeline(machine)
    timeline.run(50)
    view = MachineView(timeline)
    assert view.timeline is timeline
    assert view.state["first"] == 0
    view.goto(10)
    assert machine.instructions == 10


def test_the_stored_output_reads_without_a_kernel(view: MachineView):
    view.run_to("loop")
    data, _ = view._repr_mimebundle_()
    assert set(data) == {LIVE, "image/svg+xml", "text/plain"}
    assert "addi s0, s0, 1" in data["text/plain"] and "=> " in data["text/plain"]
    assert data["image/svg+xml"].startswith("<svg") and "addi s0, s0, 1" in data["image/svg+xml"]


# --- a run in slices ------------------------------------------------------------------------------


def stops_of(view: MachineView, portion: int, monkeypatch: pytest.MonkeyPatch) -> list:
    """Where a run halts, three times, at a breakpoint and at the next place asked for."""
    monkeypatch.setattr(machine_view, "PORTION", portion)
    view.toggle_breakpoint("handler")
    found = []
    for _ in range(3):
        view.run()
        found.append((view.state["now"], view.state["symbol"], view.state["said"]))
        view.run_to("loop")
        found.append((view.state["now"], view.state["symbol"], view.state["said"]))
    return found


@pytest.mark.parametrize("portion", [1, 2, 3, 5])
def test_a_run_in_slices_halts_where_one_in_one_piece_does(
        view: MachineView, portion: int, monkeypatch: pytest.MonkeyPatch):
    program = assemble(LOOP)
    other = MachineView(Machine(1 << 20, engine="python").load(program.elf(), boot="m"),
                        symbols=program.symbols)
    whole = stops_of(view, 20_000, monkeypatch)
    assert len({now for now, _, _ in whole}) == 6
    assert stops_of(other, portion, monkeypatch) == whole


def test_a_watch_is_met_between_two_slices(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine_view, "PORTION", 1)
    program = assemble("la a0, word\n nop\n sd zero, (a0)\nstay: j stay\n.balign 8\nword: .dword 1")
    machine = Machine(1 << 20, engine="python").load(program.elf(), boot="m")
    view = MachineView(machine)
    machine.stops.watch_memory(machine.image.symbols["word"])
    view.run(1000)
    assert view.state["said"] == view.words["watchpoint_hit"]


def test_the_page_runs_slice_by_slice_until_it_says_pause(
        view: MachineView, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine_view, "SLICE", 0.01)
    view.obey({"do": "run_to", "with": "0x80000100"})   # is never reached
    for _ in range(3):
        assert view.state["running"] and view.state["said"] == view.words["running"]
        assert view.breakpoints == [] and view.machine.stops.breakpoints != []
        before, turn = view.state["now"], view.state["turn"]
        view.obey({"do": "on", "with": turn - 1})       # from a page that shows an older picture
        assert view.state["now"] == before
        view.obey({"do": "on", "with": turn})
        assert view.state["now"] > before
    view.obey({"do": "pause"})
    assert not view.state["running"] and view.machine.stops.breakpoints == []
    assert f"after {view.machine.executed:,} instructions" in view.state["said"]
    now, turn = view.state["now"], view.state["turn"]
    view.obey({"do": "on", "with": turn})               # was under way; is answered, and no more
    assert (view.state["now"], view.state["turn"]) == (now, turn + 1)


@pytest.mark.parametrize("command", [{"do": "back"}, {"do": "goto", "with": 1}, {"do": "step"}])
def test_any_other_command_ends_a_run(
        view: MachineView, command: dict, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine_view, "SLICE", 0.01)
    view.obey({"do": "run_to", "with": "0x80000100"})
    view.obey(command)
    assert not view.state["running"] and view.machine.stops.breakpoints == []


def test_a_pause_with_nothing_to_pause_is_answered(view: MachineView):
    turn = view.state["turn"]
    view.obey({"do": "pause"})
    assert view.state["turn"] == turn + 1 and not view.state["running"]
