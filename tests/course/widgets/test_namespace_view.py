"""NamespaceView on the model: what it says is what the processes see."""

from __future__ import annotations

import pytest

from minihv.chapters.ch15 import NamespaceView
from minihv.chapters.ch15.views.facts import KINDS
from minihv.containers import open_kernel
from minihv.errors import ConfigError


@pytest.fixture
def host():
    return open_kernel("model", dirs=("box",)).init


def row(view: NamespaceView, name: str, kind: str) -> dict:
    (column,) = [c for c in view.shown["columns"] if c["name"] == name]
    return column["rows"][kind]


def test_shared_and_own_namespaces_are_told_apart(host):
    view = NamespaceView(host=host, box=host.clone("uts"), twin=host.clone())
    assert row(view, "box", "uts")["own"] and row(view, "box", "uts")["whose"] == "its own"
    for kind in set(KINDS) - {"uts"}:
        assert not row(view, "box", kind)["own"]
    assert row(view, "twin", "uts")["whose"] == "same as host"


def test_a_namespace_that_two_boxes_share_is_called_after_the_first(host):
    pod = host.clone("net")
    view = NamespaceView(host=host, first=pod, second=pod.clone("uts"))
    assert row(view, "second", "net")["whose"] == "same as first"


def test_it_shows_what_the_process_sees(host):
    box = host.clone("uts", "pid", "mnt", "user")
    view = NamespaceView(host=host, box=box)
    assert row(view, "box", "user")["value"].startswith("uid 65534")
    box.sethostname("inner")
    box.mount("t", "/box", "tmpfs", "ro")
    assert row(view, "box", "uts")["value"] == "host"       # a picture of before
    view.obey({"do": "look"})
    assert row(view, "box", "uts")["value"] == "inner"
    assert "/box  tmpfs t  (ro)" in row(view, "box", "mnt")["items"] or \
        any(line.startswith("/box  tmpfs t") for line in row(view, "box", "mnt")["items"])
    assert row(view, "box", "pid")["value"] == "is 1, sees 1"
    assert row(view, "host", "pid")["value"] == "is 1, sees 2"
    assert len(view.frames) == 1 and view.looked == 1


def test_a_new_frame_marks_what_changed_and_nothing_else(host):
    view = NamespaceView("before", host=host, box=host.clone("uts"))
    assert not any(row(view, "box", kind)["new"] for kind in KINDS)
    view.look("after", box=host.clone("uts", "net"))
    assert [f["title"] for f in view.frames] == ["before", "after"] and view.at == 1
    assert {kind for kind in KINDS if row(view, "box", kind)["new"]} == {"pid", "net"}
    assert {kind for kind in KINDS if row(view, "host", kind)["new"]} == {"pid"}


def test_the_dead_are_not_asked(host):
    box = host.clone("pid")
    view = NamespaceView(host=host, box=box)
    box.exit()
    view.again()
    assert "box: not running" in view.text() and "not running" in view.picture()


def test_the_stored_output_reads_without_a_kernel(host):
    view = NamespaceView("a name of its own", host=host, box=host.clone("uts"),
                         kinds=("uts", "pid"))
    data, _ = view._repr_mimebundle_()
    assert "box: host [its own]" in data["text/plain"] and "mounts" not in data["text/plain"]
    assert "a name of its own" in data["image/svg+xml"] and "its own" in data["image/svg+xml"]


@pytest.mark.parametrize("wrong", [{}, {"kinds": ("uts", "luck"), "host": None}])
def test_bad_arguments_are_named(wrong):
    with pytest.raises(ConfigError, match="at least one process"):
        NamespaceView(**wrong)


def test_every_kind_has_words(host):
    view = NamespaceView(host=host)
    assert all(f"kind_{kind}" in view.words for kind in KINDS)
