"""The echo service in each form: it answers, it is alone, and it leaves nothing behind."""

import math
import os
import threading
from pathlib import Path

import pytest

from minihv.cloud import footprint
from minihv.cloud.instance import Forms, Piped, ServiceError
from minihv.errors import ConfigError


@pytest.fixture(scope="module")
def forms():
    with Forms() as made:
        yield made


def begin(forms: Forms, form: str):
    reason = forms.why_not(form)
    if reason:
        pytest.skip(f"no {form} here: {reason}")
    return forms.start(form)


@pytest.mark.parametrize("form", Forms.NAMES)
def test_each_form_answers_with_the_same_bytes(forms: Forms, form: str):
    service = begin(forms, form)
    for data in (b"one\n", b"two\n", bytes(range(32, 127)) + b"\n", b"0123456789abcdef\n" * 10):
        assert service.ask(data) == data
    service.stop()
    service.stop()  # a second time does nothing


@pytest.mark.parametrize("form", Forms.NAMES)
def test_two_instances_do_not_hear_each_other(forms: Forms, form: str):
    one, two = begin(forms, form), begin(forms, form)
    assert (one.ask(b"left\n"), two.ask(b"right\n"), one.ask(b"more\n")) == (
        b"left\n", b"right\n", b"more\n")
    one.stop()
    assert two.ask(b"still\n") == b"still\n"
    two.stop()


def test_nothing_is_left_behind():
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    with Forms() as made:
        pids = []
        for form in Forms.NAMES:
            if not made.why_not(form):
                service = made.start(form)
                service.ask(b"x\n")
                pids += service.pids()
        host = made.host
    assert host._lent == []
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists()
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_memory_that_is_given_back_is_zero_and_no_longer_resident(forms: Forms):
    guest = forms.start("clone")
    guest.ask(b"touch\n")
    memory = guest.vm.memory
    assert memory.bytes.any()
    guest.stop()
    assert not memory.bytes.any()
    before = footprint.memory()
    for service in [forms.start("clone") for _ in range(20)]:
        service.ask(b"x\n")
        service.stop()
    if not math.isnan(before):
        # Some 200 KiB each stay with the stopped VMs; the 164 KiB and more of RAM do not.
        assert footprint.memory() - before < 20 * 280 << 10


def test_a_service_that_dies_is_named(forms: Forms):
    service = forms.start("process")
    os.kill(service.pids()[0], 9)
    with pytest.raises((ServiceError, BrokenPipeError)):
        service.ask(b"x\n")
    service.stop()


def test_a_guest_that_ends_is_no_silent_hang(forms: Forms):
    guest = forms.micro(forms._image(), append="run=echo")
    with pytest.raises(ServiceError, match="does not answer"):
        guest.ask(b"\x00never\n")
    guest.stop()


def test_an_answer_in_parts_is_put_together():
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()
    service = Piped(0, to, back, lambda: None)
    os.write(theirs_out, b"he")  # before it is even asked

    def answer() -> None:
        os.read(theirs_in, 100)
        os.write(theirs_out, b"llo")

    teller = threading.Thread(target=answer)
    teller.start()
    assert service.ask(b"hello") == b"hello"
    teller.join()
    service.stop()
    os.close(theirs_in)
    os.close(theirs_out)


def test_an_unknown_form_is_refused(forms: Forms):
    with pytest.raises(ConfigError, match="process, container"):
        forms.start("unikernel")
