"""The palette, the still figures and the map: readable, complete, well-formed."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from minihv.chapters.ch00 import FieldMap
from minihv.course import figures
from minihv.course.views import draw
from minihv.course.views.view import COMMON, words
from minihv.errors import ConfigError

SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture.picture())


def texts(picture) -> list[str]:
    return [element.text or "" for element in drawn(picture).iter(SVG + "text")]


@pytest.mark.parametrize("name", draw.PALETTE)
def test_text_on_each_colour_can_be_read(name: str):
    assert draw.contrast(draw.PALETTE[name], draw.ink_on(draw.PALETTE[name])) >= 4.5


def test_page_and_paper_share_one_palette():
    style = css_colours(COMMON.with_suffix(".css").read_text().split("}")[0])
    for name, colour in draw.PALETTE.items():
        assert style[name.lower()] == colour.lower()
    assert draw.PALETTE["U"] == "#56B4E9" and draw.PALETTE["VS"] == "#882255"


def test_the_dark_style_of_a_picture_is_the_pages():
    dark = css_colours(COMMON.with_suffix(".css").read_text().split("}")[1])
    for name, colour in (draw.DARK | draw.DARK_FILLS).items():
        assert dark.get(name.lower(), "#212121") == colour.lower(), name


LANES = ("U", "S", "M", "VU", "VS", "host", "hardware")


@pytest.mark.parametrize("dark", [False, True])
def test_neighbouring_privileges_differ_in_lightness_not_in_hue_alone(dark: bool):
    """Whoever sees no colours tells U, S and M apart, and VU and VS; each stands out from paper."""
    shown = draw.PALETTE | (draw.DARK_FILLS if dark else {})
    for one, other in (("U", "S"), ("S", "M"), ("U", "M"), ("VU", "VS")):
        assert draw.contrast(shown[one], shown[other]) >= 1.7, (one, other)
    tint = draw.DARK["tint"] if dark else draw.NEUTRAL["tint"]
    for name in LANES:
        assert draw.contrast(shown[name], tint) >= (3 if dark else 2), name


def test_a_figure_is_an_image_with_words_and_no_widget():
    picture = figures.machine_picture("05")
    data = picture._repr_mimebundle_()
    assert set(data) == {"text/html", "image/svg+xml", "text/plain"}
    assert f'alt="{picture.text()}"' in data["text/html"]
    assert "prefers-color-scheme:dark" in data["image/svg+xml"]


def test_contrast_is_wcags():
    assert draw.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert draw.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def css_colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def test_the_neutral_colours_of_both_themes_can_be_read():
    style = COMMON.with_suffix(".css").read_text()
    light, dark = (css_colours(block) for block in style.split("}")[:2])
    dark_paper, light_paper = "#212121", "#ffffff"
    for theme, paper in ((light, light_paper), (light | dark, dark_paper)):
        for ink in ("faint", "link", "fault-ink", "good-ink", "attention-ink"):
            assert draw.contrast(theme[ink], paper) >= 4.5, (ink, paper)
            assert draw.contrast(theme[ink], theme["tint"]) >= 4.5, (ink, "tint")
        assert draw.contrast(theme["edge"], paper) >= 3
        assert draw.contrast(theme["focus"], paper) >= 3
        for ink in ("attention", "fault", "good"):
            assert draw.contrast(theme[f"{ink}-ink"], theme[f"{ink}-wash"]) >= 4.5, ink


@pytest.mark.parametrize("chapter", figures.CHAPTERS)
def test_every_chapter_has_its_picture(chapter: str):
    picture = figures.machine_picture(chapter)
    assert drawn(picture).get("role") == "img"
    assert {"Guest kernel", "vCPU", "Harts", "Storage"} <= set(texts(picture))
    rims = picture.picture().count(f'fill="{draw.PALETTE["attention"]}"')
    twins = sum(part in ("apps", "kernel") for part in figures.CHAPTERS[chapter])
    assert rims == len(figures.CHAPTERS[chapter]) + twins


def test_there_is_a_picture_for_every_chapter_of_the_course():
    assert sorted(figures.CHAPTERS) == [name[:2] for name in words("chapters")]


def test_parts_can_be_lit_by_name_and_wrong_ones_are_named():
    assert "Lit: vCPU." in figures.machine_picture(lit=["vcpu"]).text()
    with pytest.raises(ConfigError, match="'gpu'"):
        figures.machine_picture(lit=["gpu"])
    with pytest.raises(ConfigError, match="chapter"):
        figures.machine_picture("42")


def widths(picture) -> list[float]:
    return [float(rect.get("width", 0)) for rect in drawn(picture).iter(SVG + "rect")][1:]


def test_bars_are_as_long_as_their_values():
    short, long = widths(figures.bars({"a": 1, "b": 4}, title="t"))
    assert long == pytest.approx(4 * short, rel=1e-4)


def test_a_logarithmic_scale_has_dots_over_an_axis():
    chart = figures.bars({"a": 9.7, "b": 97, "c": 9700}, title="t", log=True)
    dots = [float(dot.get("cx", 0)) for dot in drawn(chart).iter(SVG + "circle")]
    assert dots[2] - dots[1] == pytest.approx(2 * (dots[1] - dots[0]), rel=0.01)
    assert {"10", "100", "1,000", "10,000"} <= set(texts(chart))   # the axis
    assert "0.1" not in texts(chart)


def test_a_prediction_is_drawn_and_said():
    picture = figures.bars({"exit": 300}, title="t", unit="ns", predicted={"exit": 1200})
    assert "exit: 300 ns (predicted 1,200)" in picture.text()
    assert "your prediction" in texts(picture)


def test_lines_say_their_points_and_marks():
    picture = figures.lines({"one": [(1, 2), (10, 3)], "two": [(1, 5)]}, title="t", x="size",
                            y="ns", log_x=True, marks={"reach": 5})
    assert "one: 1 → 2, 10 → 3" in picture.text()
    assert {"size", "ns", "one", "two", "reach"} <= set(texts(picture))


@pytest.mark.parametrize("make", [
    lambda: figures.bars({}, title="t"),
    lambda: figures.bars({"a": -1}, title="t"),
    lambda: figures.bars({"a": 0}, title="t", log=True),
    lambda: figures.lines({}, title="t", x="", y=""),
    lambda: figures.lines({"a": [(0, 1)]}, title="t", x="", y="", log_x=True),
])
def test_what_cannot_be_drawn_is_refused(make):
    with pytest.raises(ConfigError, match="'t'"):
        make()


@pytest.mark.parametrize("values", [{"a": 0}, {"a": 5, "b": 5}, {"a": 1e-9}, {"<&>": 3}])
def test_odd_values_are_drawn(values):
    drawn(figures.bars(values, title="t"))
    drawn(figures.lines({"<&>": [(v, v) for v in values.values()]}, title="a < b", x="x", y="y"))


KINDS = ("VMware ESXi", "Microsoft Hyper-V", "KVM", "Xen", "VirtualBox", "VMware Workstation",
         "VMware Fusion", "Parallels Desktop", "VLAN", "VPN", "SDN", "SAN", "NAS",
         "Software-defined storage", "Paravirtualization", "Hardware-assisted", "Docker",
         "EC2 today: Nitro", "EC2, first years: Xen", "Azure: Hyper-V", "Google Cloud: KVM")


def test_every_kind_and_product_has_its_place_and_chapter():
    field = FieldMap()
    names = [item["name"] for item in field.entries]
    assert set(KINDS) <= set(names) and len(set(names)) == len(names)
    assert all(item["title"] and item["text"] for item in field.entries)
    assert set(KINDS) <= {*texts(field)}
    assert {item["chapter"] for item in field.entries} == \
        {name[:2] for name in words("chapters")} - {"00"}


def test_only_chapters_that_exist_are_linked(tmp_path: Path):
    (tmp_path / "09_type1_and_type2.ipynb").touch()
    there = {item["name"]: item["there"] for item in FieldMap(tmp_path).entries}
    assert there["Xen"] and not there["KVM"]


def test_an_unknown_entry_is_named():
    with pytest.raises(ConfigError, match="'Bochs'"):
        FieldMap().choose("Bochs")


def test_no_view_names_another_host():
    package = COMMON.parents[2]
    scripts = [*package.rglob("*.js"), *package.rglob("*.css")]
    assert len(scripts) > 15
    for path in scripts:
        assert not re.search(r"https?:|import\s*\(|^import ", path.read_text(), re.MULTILINE), path


def test_stacked_bars_are_as_long_as_their_sums():
    rows = {"a": {"fills": 30, "fences": 10}, "b": {"fences": 80}}
    chart = figures.stacked(rows, title="T", unit="ms", beside={"b": 100}, beside_name="measured")
    bars = [box for box in drawn(chart).iter(SVG + "rect") if box.get("height") == "20"]
    widths = [float(box.get("width", 0)) for box in bars]
    assert widths == pytest.approx([widths[1] * 3, widths[1], widths[1] * 8])
    assert "a: 40 ms (fills 30, fences 10)" in chart.text()
    assert "b: 80 ms (fences 80); measured 100" in chart.text()
    assert {"fills", "fences", "measured"} <= set(texts(chart))
    assert {"40 ms", "80 ms in all", "measured 100"} <= set(texts(chart))   # each number named
    for wrong in ({}, {"a": {"x": -1}}, {"a": dict.fromkeys("abcdefg", 1)}):
        with pytest.raises(ConfigError, match="stacked 'T'"):
            figures.stacked(wrong, title="T")


def test_a_prediction_does_not_cross_the_value():
    """A guess just behind the bar's end pushes the value's text behind the mark."""
    picture = figures.bars({"a": 1.28, "b": 20}, title="t", unit="x", predicted={"a": 2})
    mark = float(re.search(r'd="M([\d.]+) 44V', picture.picture())[1])
    value = float(re.search(r'x="([\d.]+)"[^>]*>1.28 x', picture.picture())[1])
    assert value > mark
