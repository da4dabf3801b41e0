"""The views in JupyterLab, by mouse and by keyboard: seen in the page and in the kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.harness import Lab

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
START = """from minihv import guests
from minihv.course import figures
from minihv.chapters.ch00 import FieldMap, MachineView
from minihv.chapters.ch01 import PageWalkView, TrapTimeline, record_traps
from minihv.chapters.ch16 import StacksView
from minihv.devices.virt import Machine
from minihv.asm import assemble
"""
MACHINE = START + '''
program = assemble("""
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
""")
machine = Machine(1 << 20, engine="python").load(program.elf(), boot="m")
view = MachineView(machine, symbols=program.symbols)
view'''
WALK = START + """
leaf = 0x80010000 >> 12 << 10 | 0b0101_0011
view = PageWalkView(address=0x40203123, root=0x80001000, tables={
    0x80001008: 0x80002000 >> 12 << 10 | 1, 0x80002008: 0x80003000 >> 12 << 10 | 1,
    0x80003018: leaf})
view"""
TIMELINE = START + """
view = TrapTimeline(record_traps(Machine(64 << 20).load(guests.path("labos")), 2000))
view"""
TIMER = START + """
view = TrapTimeline(record_traps(Machine().load(guests.path("timer")), 100))
view"""
MANY = START + """
view = TrapTimeline([(40 * k, "US"[k % 2], "SU"[k % 2], ("a trap", "sret")[k % 2],
                      ("exception", "return")[k % 2]) for k in range(100_000)])
view"""
MAP = START + "\nfrom pathlib import Path\nPath('09_type1_and_type2.ipynb').write_text('{}')\n" + \
    "view = FieldMap('.')\nview"

ASK = """async code => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({code, store_history: false});
    let said = '';
    future.onIOPub = message => { said += message.content.text ?? message.content.evalue ?? ''; };
    await future.done;
    return said;
}"""

OUTLINE = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
}"""
# What is wider than its place, but for what scrolls or ends in dots.
CUT_OFF = """root => [...document.querySelectorAll(`${root}, ${root} *`)].filter(e => {
    const style = getComputedStyle(e);
    return e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && style.display !== 'inline'
        && !['auto', 'scroll'].includes(style.overflowX) && style.textOverflow !== 'ellipsis';
}).map(e => e.outerHTML.slice(0, 100))"""


class Shown:
    """A view in the page, and its kernel."""

    def __init__(self, lab: Lab, folder: Path, cell: str, kind: str):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)],
                                            metadata=KERNEL)
        nbformat.write(notebook, folder / f"{kind}.ipynb")
        lab.open_notebook(folder / f"{kind}.ipynb")
        lab.run_all()
        assert lab.errors() == []
        self.lab, self.page, self.root = lab, lab.page, f".mhv-{kind}"
        self.page.wait_for_selector(self.root)

    def kernel(self, expression: str) -> Any:
        """The value of an expression in the kernel."""
        said = self.page.evaluate(ASK, f"import json; print(json.dumps({expression}))")
        return json.loads(said)

    def find(self, selector: str) -> Any:
        return self.page.locator(f"{self.root} {selector}")

    def do(self, name: str) -> Any:
        return self.find(f"[data-do={name}]")

    def reads(self, selector: str, text: str) -> None:
        """Waits until that part of the view contains `text`."""
        self.page.wait_for_function(
            "([where, text]) => document.querySelector(where)?.textContent.includes(text)",
            arg=[f"{self.root} {selector}", text], timeout=15_000)

    def is_well_made(self, name: str) -> None:
        """Nothing for axe, nothing cut off, no foreign request; pictures for the eye."""
        for theme, width in (("light", 1280), ("dark", 1920), ("light", 1920), ("dark", 1280)):
            self.lab.theme(theme)
            self.lab.width(width)
            self.page.wait_for_timeout(250)
            self.lab.screenshot(f"view-{name}-{theme}-{width}", whole=True)
            assert self.lab.accessibility(self.root) == []
            assert self.page.evaluate(CUT_OFF, self.root) == []
        assert self.lab.foreign_requests == []


@pytest.fixture
def show(lab: Lab, tmp_path: Path):
    return lambda cell, kind: Shown(lab, tmp_path, cell, kind)


def test_machine_by_mouse(show):
    view = show(MACHINE, "machine")
    view.do("step").click()
    view.reads(".mhv-said", "One instruction on.")
    assert view.kernel("machine.instructions") == 1
    view.do("back").click()
    view.reads(".mhv-where", "tick 0 of 1")
    assert view.kernel("machine.instructions") == 0
    view.find("tr:has(td[title^='ecall'])").click()
    view.reads(".mhv-said", "Breakpoint set")
    assert view.kernel("len(machine.stops.breakpoints)") == 1
    view.do("run").click()
    view.reads(".mhv-said", "Stopped at the breakpoint at loop+0x4")
    assert view.find("tr[aria-current]").inner_text().split()[1:] == ["ecall"] or \
        "ecall" in view.find("tr[aria-current]").inner_text()
    assert view.find("[data-changed] >> text=s0").count() == 1
    assert view.kernel("machine.harts[0].x[8]") == 1
    view.find("input[type=text]").fill("handler")
    view.find("form button").click()
    view.reads(".mhv-said", "Reached handler.")
    view.reads(".mhv-csrs", "Environment call from M-mode")
    far = view.kernel("view.state['now']")
    view.find("input[type=range]").evaluate(
        "e => { e.value = 2; e.dispatchEvent(new Event('input', {bubbles: true})); }")
    view.reads(".mhv-where", f"tick 2 of {far}")
    assert view.kernel("machine.instructions") == 2
    view.is_well_made("machine")


def test_machine_by_keyboard(show):
    view = show(MACHINE, "machine")
    cells = len(view.lab.cells())
    view.do("step").focus()
    for key in ("s", "s", "s", "b"):
        view.page.keyboard.press(key)
    view.reads(".mhv-where", "tick 2 of 3")
    assert view.kernel("machine.instructions") == 2
    view.find(".mhv-stop[tabindex='0']").focus()
    for _ in range(4):
        view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("Enter")
    view.reads(".mhv-said", "Breakpoint set")
    assert view.find("[aria-pressed=true]").count() == 1
    view.page.keyboard.press("r")
    view.reads(".mhv-said", "Stopped at the breakpoint")
    assert view.kernel("view.breakpoints[0] == machine.harts[0].pc")
    view.find("input[type=text]").focus()
    view.page.keyboard.type("nowhere")
    view.page.keyboard.press("Enter")
    view.reads(".mhv-said[data-wrong]", "neither a symbol")
    view.find("input[type=range]").focus()
    view.page.keyboard.press("Home")
    view.reads(".mhv-where", "tick 0 of")
    assert len(view.lab.cells()) == cells       # no key was taken for a notebook command
    for _ in range(3):
        view.page.keyboard.press("Tab")
        assert view.page.evaluate(OUTLINE) >= 2
    view.kernel("view.step(4)")                 # what a cell does is seen in the page
    view.reads(".mhv-now", "in loop+0x4")
    view.kernel("view.goto(0)")
    view.reads(".mhv-where", "tick 0 of")


def test_a_run_of_the_machine_can_be_watched_and_paused(show):
    view = show(MACHINE, "machine")   # this guest never ends
    view.do("run").click()
    view.reads("[data-do=run]", "Pause")
    view.reads(".mhv-said", "Running")
    first = view.kernel("view.state['now']")            # the kernel answers while it runs
    view.page.wait_for_function(
        "first => Number(document.querySelector('.mhv-where').textContent.split(' ')[1]"
        ".replaceAll(',', '')) > first", arg=first)
    view.page.keyboard.press("r")
    view.reads(".mhv-said", "Paused after")
    view.reads("[data-do=run]", "Run")
    now = view.kernel("view.state['now']")
    view.page.wait_for_timeout(300)
    assert view.kernel("view.state['now']") == now > 0
    view.do("run").click()
    view.reads(".mhv-said", "Running")
    view.do("step").click()                             # any other button ends it, too
    view.reads("[data-do=run]", "Run")
    assert view.kernel("view.state['running']") is False


BOXES = """root => Object.fromEntries(['bar', 'pane-registers', 'pane-code', 'pane-csrs',
    'pane-console', 'keys'].map(name => [name, document.querySelector(`${root} .mhv-${name}`)
    .getBoundingClientRect()]).map(([name, box]) => [name, [box.top, box.bottom]]))"""


def test_a_small_screen_shows_the_whole_machine_at_once(show):
    """At 1366 x 768, with JupyterLab's bars and its list of files: a trap's busy moment."""
    view = show(MACHINE.replace("symbols=program.symbols)", "symbols=program.symbols)\n"
                "view.run_to('handler'); machine.harts[0].csr['sepc'] = 4\n"
                "machine.harts[0].csr['scause'] = 13; view.step(3)"), "machine")
    view.page.set_viewport_size({"width": 1366, "height": 768})
    view.page.locator(view.root).evaluate("root => root.scrollIntoView({block: 'start'})")
    view.page.wait_for_timeout(250)
    place = view.page.locator(".jp-WindowedPanel-outer").bounding_box()
    for name, (top, bottom) in view.page.evaluate(BOXES, view.root).items():
        assert place["y"] <= top < bottom <= place["y"] + place["height"], name
    assert view.page.evaluate(CUT_OFF, view.root) == []
    for theme in ("light", "dark"):
        view.lab.theme(theme)
        view.page.wait_for_timeout(600)
        view.lab.screenshot(f"view-machine-{theme}-1366")


def test_walk_by_mouse(show):
    view = show(WALK, "walk")
    assert view.find(".mhv-table").count() == 1
    for shown in (1, 2, 3, 4):
        view.do("next").click()
        view.page.wait_for_function(
            f"document.querySelectorAll('.mhv-walk .mhv-bits').length >= {min(shown, 3)}")
    view.reads(".mhv-end", "0x80010123")
    assert view.kernel("view.shown") == 4
    view.find("[data-level='0'] [data-bit=U]").click()
    view.reads(".mhv-meaning", "U, user")
    view.find("select").first.select_option("store")
    view.reads(".mhv-said", "starts at the root")
    view.do("all").click()
    view.reads(".mhv-end", "Store/AMO page fault")
    assert view.find("[data-blamed]").get_attribute("data-bit") == "W"
    assert view.kernel("view.walk['cause']") == "Store/AMO page fault"
    view.is_well_made("walk")


def test_walk_by_keyboard(show):
    view = show(WALK, "walk")
    view.do("next").focus()
    for _ in range(4):
        view.page.keyboard.press("n")
    view.reads(".mhv-end", "0x80010123")
    view.find("[data-level='0'] [tabindex='0'][data-bit]").focus()
    view.reads(".mhv-meaning", "Svnapot")
    view.page.keyboard.press("End")
    view.reads(".mhv-meaning", "V, valid")
    view.page.keyboard.press("ArrowLeft")
    view.reads(".mhv-meaning", "R, read")
    assert view.page.evaluate("document.activeElement.dataset.bit") == "R"
    view.page.keyboard.press("p")
    view.reads(".mhv-said", "Level 0")
    assert view.kernel("view.shown") == 3
    assert view.page.evaluate("document.activeElement.dataset.bit") == "R"      # kept its place
    box = view.find("input[type=text]")
    box.fill("0x40204000")
    box.press("Enter")
    view.reads(".mhv-said", "starts at the root")
    assert view.kernel("view.walk['va']") == "0x0000000040204000"
    box.fill("pineapple")
    box.press("Enter")
    view.reads(".mhv-said[data-wrong]", "pineapple")


def settled(view: Shown, expression: str, wanted: Any) -> None:
    """The kernel hears of the page's changes within moments."""
    for _ in range(50):
        if view.kernel(expression) == wanted:
            return
        view.page.wait_for_timeout(100)
    assert view.kernel(expression) == wanted


def test_timeline_by_mouse(show):
    view = show(TIMELINE, "timeline")
    view.is_well_made("timeline")
    assert "null" not in view.page.locator(view.root).inner_text()
    span = view.kernel("view.span")
    view.do("in").click()
    view.do("in").click()
    settled(view, "view.window[1] - view.window[0]", (span[1] - span[0]) / 4)
    first = view.kernel("view.window[0]")
    box = view.find(".mhv-chart").bounding_box()
    x, y = box["x"] + box["width"] * 0.7, box["y"] + 60
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x - 80, y, steps=4)
    view.page.mouse.up()
    settled(view, f"view.window[0] > {first}", True)
    view.page.mouse.click(x, y)
    view.reads("[role=status]", "Event ")
    settled(view, "view.selected >= 0", True)
    view.page.keyboard.down("Control")
    view.page.mouse.wheel(0, -300)
    view.page.keyboard.up("Control")
    settled(view, f"view.window[1] - view.window[0] < {(span[1] - span[0]) / 8}", True)
    view.do("whole").click()
    settled(view, "view.window", span)


LANE = """() => [...document.querySelector('.mhv-chart canvas').getContext('2d')
    .getImageData(4, 34, 1, 1).data].slice(0, 3)"""


def test_a_timeline_follows_the_theme_and_tells_m_mode_from_s_mode(show):
    view = show(TIMER, "timeline")
    assert view.kernel("view.modes") == ["M", "S"]
    seen = {}
    for theme in ("dark", "light"):
        view.lab.theme(theme)
        view.page.wait_for_timeout(1000)
        seen[theme] = view.page.evaluate(LANE)              # the first lane's label: M-mode's fill
        view.lab.screenshot(f"view-timeline-modes-{theme}", whole=True)
        assert view.lab.accessibility(view.root) == []
    assert seen == {"light": [0x00, 0x3B, 0x5C], "dark": [0xCF, 0xE8, 0xF7]}


def test_shown_source_is_readable_in_both_themes(show):
    view = show("from minihv.course import show\nfrom minihv.vmm import TrapAndEmulate\n"
                "class Mine(TrapAndEmulate):\n    @property\n    def handle(self):\n"
                "        # a comment\n        return 'text' if None else len([0x10, True])\n"
                "show(TrapAndEmulate.examine, Mine.handle.fget)", "source")
    keyword = "getComputedStyle(document.querySelector('.mhv-source .keyword')).color"
    colours = set()
    for theme in ("light", "dark"):
        view.lab.theme(theme)
        view.page.wait_for_timeout(600)
        colours.add(view.page.evaluate(keyword))
        view.lab.screenshot(f"show-{theme}")
        assert view.lab.accessibility(view.root) == []
    assert len(colours) == 2


def test_timeline_by_keyboard(show):
    view = show(TIMELINE, "timeline")
    span = view.kernel("view.span")
    view.find(".mhv-chart").focus()
    view.page.keyboard.press("Home")
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("ArrowRight")
    settled(view, "view.selected", 2)
    event = view.kernel("view.events[2]")
    view.reads("[role=status]", f"tick {event[0]:,}")
    view.reads("[role=status]", event[3])
    for _ in range(14):
        view.page.keyboard.press("+")
    settled(view, f"view.window[1] - view.window[0] < {(span[1] - span[0]) / 10_000}", True)
    assert view.kernel("view.window[0] <= view.events[2].clock <= view.window[1]")
    view.lab.screenshot("view-timeline-single")
    view.page.keyboard.press("End")
    settled(view, "view.selected", view.kernel("view.count") - 1)
    settled(view, "view.window[1] >= view.events[-1].clock - 1", True)
    view.page.keyboard.press("0")
    settled(view, "view.window", span)
    view.page.evaluate(ASK, "view.selected = 5; view.window = [0, 200_000]")
    view.reads("[role=status]", "Event 6 of 2,000")
    view.reads(".mhv-note", "ticks 0 to 200,000")


def test_a_slow_kernel_undoes_nothing(show):
    """Its echo of an early change must not overwrite a later one."""
    view = show(TIMELINE, "timeline")
    span = view.kernel("view.span")
    view.find(".mhv-chart").focus()
    view.page.evaluate("""() => {
        window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute(
            {code: "import time; time.sleep(0.5)", store_history: false});
    }""")
    view.page.keyboard.press("+")
    view.page.wait_for_timeout(300)
    for _ in range(9):
        view.page.wait_for_timeout(40)
        view.page.keyboard.press("+")
    settled(view, f"abs(view.window[1] - view.window[0] - {(span[1] - span[0]) / 1024}) < 1", True)


def test_a_hundred_thousand_events_stay_few_nodes_and_draw_in_a_frame_or_so(show):
    """Work is bounded by the width, not by the events: counted in canvas calls, not in time."""
    view = show(MANY, "timeline")
    view.page.evaluate("""() => {
        window.calls = 0;
        const count = name => {
            const original = CanvasRenderingContext2D.prototype[name];
            CanvasRenderingContext2D.prototype[name] = function (...rest) {
                window.calls++; return original.apply(this, rest); };
        };
        ['fillRect', 'stroke', 'fillText', 'fill', 'measureText'].forEach(count);
    }""")
    view.do("in").click()
    settled(view, "view.window[1] - view.window[0] < 4_000_000", True)
    width = view.find(".mhv-chart").bounding_box()["width"]
    assert 100 < view.page.evaluate("window.calls") < 12 * width
    assert view.page.evaluate("document.querySelectorAll('.mhv-timeline *').length") < 200
    view.lab.screenshot("view-timeline-many")


def test_map_by_mouse_and_by_keyboard(show):
    view = show(MAP, "map")
    view.find("[data-name='VLAN']").click()
    view.reads(".mhv-detail", "a tag of 12 bits")
    settled(view, "view.chosen", "VLAN")
    view.page.keyboard.press("ArrowDown")
    settled(view, "view.chosen", "VPN")
    view.page.keyboard.press("ArrowRight")
    settled(view, "view.chosen", "SAN")
    view.reads(".mhv-detail", "Chapter 14")
    assert view.find(".mhv-detail a").count() == 0          # not there yet: no dead link
    view.is_well_made("map")
    view.find("[data-name='Xen']").click()
    view.reads(".mhv-detail a", "Type 1 and Type 2")
    view.find(".mhv-detail a").click()
    view.page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.context?.path"
                                ".endsWith('09_type1_and_type2.ipynb')")


def test_figures_follow_the_theme(show):
    view = show(START + "figures.machine_picture('05')", "picture")
    box, paper = view.find("img").bounding_box(), []
    assert box["width"] > 700
    for theme in ("light", "dark"):
        view.lab.theme(theme)
        view.page.wait_for_timeout(600)
        paper.append(view.page.screenshot(clip={     # inside the picture, between its parts
            "x": box["x"] + box["width"] - 60, "y": box["y"] + 100, "width": 20, "height": 20}))
    assert paper[0] != paper[1]
    assert "Lit: Memory." in view.find("img").get_attribute("alt")
    view.is_well_made("machine-picture")

