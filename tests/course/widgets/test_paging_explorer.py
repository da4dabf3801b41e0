"""PagingExplorer: moving from exit to exit, what was filled, what is protected, what is stale."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from minihv import guests
from minihv.chapters.ch02.comparison import outcome
from minihv.chapters.ch05.views import tables as told
from minihv.chapters.ch05.views.explorer import PagingExplorer
from minihv.chapters.ch05.views.replay import Replay
from minihv.errors import ConfigError
from minihv.vmm import (
    VM,
    HardwareAssist,
    NestedPaging,
    ShadowPaging,
    SyncedShadowPaging,
)

CHURN = "workload=churn n=4 pages=4"


def boot(paging=SyncedShadowPaging, append=CHURN):
    return lambda: VM(guests.path("labos"), paging=paging(), memory=16 << 20, append=append,
                      engine="python")


@pytest.fixture(scope="module")
def view() -> PagingExplorer:
    return PagingExplorer(boot())


def test_the_events_are_the_exits_of_an_undisturbed_run(view):
    vm = boot()()
    vm.run()
    kinds = [event.kind for event in view.replay.events]
    for kind in ("fill", "fault", "table", "fence"):
        assert kinds.count(kind) == vm.exits[kind] > 0
    view.goto(len(kinds))
    view.vm.run()
    assert bytes(view.vm.console.output) == bytes(vm.console.output)
    assert (view.vm.memory.bytes == vm.memory.bytes).all()


def test_back_is_where_we_were(view):
    view.goto(150)
    first = dict(view.state)
    view.next()
    assert view.state["position"] == 151
    view.back()
    assert {**view.state, "turn": 0} == {**first, "turn": 0}


def test_a_hidden_fault_fills_what_was_missing(view):
    view.goto(100)
    assert view.next("fill")
    state = view.state
    assert state["kind"] == "fill" and state["story"].startswith("Hidden fault")
    assert state["shadow"][-1]["kind"] == "leaf" and state["shadow"][-1]["fresh"]
    assert int(state["hpa"], 16) == int(state["gpa"], 16) + view.vm.memory.offset
    assert state["cells"][state["page"]] in "br"
    fresh = [row["fresh"] for row in state["shadow"]]
    assert fresh == sorted(fresh)


def test_a_true_fault_fills_nothing(view):
    view.goto(100)
    assert view.next("fault")
    assert view.state["gpa"] == "" and view.state["cells"][view.state["page"]] == "n"
    assert not any(row["fresh"] for row in view.state["shadow"])
    assert view.state["verdict"].startswith("Neither")


def test_protected_tables_are_marked_and_a_store_there_is_told(view):
    view.goto(100)
    assert view.next("table")
    gpa = view.replay.event.exit.gpa
    assert told.protects(view.vm, gpa)
    assert view.state["story"].startswith("Store to a page table")
    assert view.state["cells"][view.state["page"]] == "r"
    view.next("fill")
    assert all(row["protected"] for row in view.state["guest"])


def test_without_protection_the_shadow_gets_stale_until_the_fence():
    view = PagingExplorer(boot(ShadowPaging), 1)
    stale = []
    view.show_mode("U")
    while view.next("fence"):
        position = view.state["position"]
        view.goto(position, before=True)
        stale.append(view.state["cells"].count("s"))
        view.goto(position)
        assert "s" not in view.state["cells"]
    assert max(stale) == 4  # the pages that churn has just given back
    assert not any(row["protected"] for row in view.state["guest"])
    with pytest.raises(ConfigError, match="mode 'M'"):
        view.show_mode("M")


def test_before_it_is_handled_the_entry_is_lacking(view):
    view.goto(100)
    view.next("fill")
    position, row = view.state["position"], view.state["shadow"][-1]
    assert row["kind"] == "leaf"
    view.obey({"do": "before"})
    assert view.state["position"] == position and view.state["before"]
    assert view.state["story"].startswith("About to be handled. Hidden fault")
    assert view.state["shadow"][-1] != row and view.state["gpa"]
    assert sum(view.state["counts"].values()) == position - 1
    view.next("fault")
    assert view.state["before"]
    view.obey({"do": "before"})
    assert sum(view.state["counts"].values()) == view.state["position"]


def test_an_address_of_ones_own_is_kept(view):
    view.goto(120)
    view.obey({"do": "look", "with": "0x80600123"})
    assert view.state["picked"] and view.state["guest"][-1]["size"] == "2 MiB"
    view.next()
    assert view.state["gva"] == "0x80600123"
    view.obey({"do": "page", "with": 5})
    assert view.state["gva"] == "0x80605000"
    view.obey({"do": "look", "with": "x"})
    assert "'x' is not an address" in view.state["said"]
    view.obey({"do": "follow"})
    assert not view.state["picked"]


def test_a_nested_vm_stands_beside_at_the_same_instant():
    def vm(paging):
        return VM(guests.path("labos"), cpu=HardwareAssist(), paging=paging, memory=16 << 20,
                  append=CHURN, engine="python")

    view = PagingExplorer(lambda: vm(ShadowPaging()), 100, nested=lambda: vm(NestedPaging()))
    places = set()
    for move in (view.next, view.next, view.next, view.next, view.back):
        assert move("fill")
        beside = view._beside
        assert beside.instructions == view.vm.instructions
        assert (beside.memory.bytes == view.vm.memory.bytes).all()
        assert view.state["nested_hpa"] in ("", view.state["hpa"])  # "": touched just now
        places.add(view.state["nested_hpa"])
    assert places - {""}
    assert "Nested: the G-stage" in view.text() and "Nested" in view.picture()
    view.look(0x10)  # mapped nowhere: there is no gpa to translate
    assert view.state["nested"] == [] and view.state["nested_hpa"] == ""


def test_the_ends_of_the_run_and_wrong_names(view):
    view.goto(0)
    assert view.state["story"] == "The guest has not run yet."
    assert not view.back("fill")
    assert "before" in view.state["said"]
    view.goto(10**6)
    assert view.state["position"] == len(view.replay.events)
    assert not view.next()
    with pytest.raises(ConfigError, match="'fills': choose one of fill, fault"):
        view.next("fills")


def test_watching_changes_nothing():
    vm = VM(paging=SyncedShadowPaging(), memory=16 << 20, engine="python")
    plain = outcome(vm, append=CHURN)
    replay = Replay(boot())
    for position in (50, 100, 20, 100):
        replay.goto(position)
        told.both(replay.vm, 0x200000, 0)
    replay.goto(len(replay.events))
    replay.vm.run()
    assert (replay.vm.memory.bytes == vm.memory.bytes).all()
    assert plain.instructions == replay.vm.instructions


def test_the_still_picture_says_what_the_text_says(view):
    view.goto(100)
    view.next("fill")
    drawing = ElementTree.fromstring(view.picture())
    words = " ".join(element.text or "" for element in drawing.iter() if element.text)
    for row in view.state["guest"]:
        assert row["at"] in words and row["at"] in words
    assert "filled by this exit" in words and "filled by this exit" in view.text()
    squares = [e for e in drawing.iter("{http://www.w3.org/2000/svg}rect")
               if e.get("width") in ("11", "9")]
    assert len(squares) >= 512
