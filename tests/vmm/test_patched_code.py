"""Code that a guest changes where its stores are carried out by hand: in a page that is a table.

The root of its page tables also holds code. A layer that keeps shadow tables in step protects
such a page, so each store there is an exit, and what was decoded from it has to go.
"""

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.vmm import VM, Reason, vcpu
from tests.vmm.central import finish
from tests.vmm.modes import MODES

MEMORY = 4 << 20
BASE = 0x80200000
STORES = {
    "sw": "sw s2, (s1)",
    "sh": "sh s2, (s1)\n srli t0, s2, 16\n sh t0, 2(s1)",
    "sb": "srli t0, s2, 16\n sb t0, 2(s1)\n srli t0, s2, 24\n sb t0, 3(s1)",
    "sd": "lwu t0, 4(s1)\n slli t0, t0, 32\n or t0, t0, s2\n sd t0, (s1)",
    "misaligned": "lbu t0, -1(s1)\n slli t1, s2, 8\n or t0, t0, t1\n sw t0, -1(s1)\n"
    "srli t0, s2, 24\n sb t0, 3(s1)",
    "amoswap.w": "amoswap.w x0, s2, (s1)",
}


def image(store: str) -> bytes:
    """A guest that calls the code, patches it from +1 to +2, and calls it again: 50 times each."""
    return assemble(f"""
            la s0, root
            li t0, {BASE >> 30 << 30}
            srli t0, t0, 2
            ori t0, t0, 0xcf
            sd t0, 16(s0)
            srli t0, s0, 12
            li t1, 8 << 60
            or t0, t0, t1
            csrw satp, t0
            sfence.vma
            la s1, patched
            li s2, 0x00250513       # addi a0, a0, 2
            li a0, 0
            call often
            {store}
            fence.i
            call often
            mv s3, a0
            li a7, 0x53525354
            li a6, 0
            li a0, 0
            li a1, 0
            ecall
    often:  mv s4, ra
            li s5, 50
    1:      jalr s1
            addi s5, s5, -1
            bnez s5, 1b
            jr s4
            .balign 4096
    root:   .zero 2048
    patched: addi a0, a0, 1
            ret
            .balign 4096
    """, BASE).data


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("store", STORES)
def test_a_store_drops_what_was_decoded(store, mode):
    vm = VM(memory=MEMORY, **MODES[mode]()).load(image(STORES[store]), boot="s")
    expected = finish(Machine(MEMORY).load(image(STORES[store]), boot="s"))
    assert expected.differences(finish(vm)) == []
    assert vm.harts[0].x[19] == 50 + 100
    if "synced" in mode:
        assert vm.exits[Reason.TABLE] > 0


def test_a_store_that_leaves_decoded_code_is_noticed(monkeypatch):
    monkeypatch.setattr(vcpu, "touch", lambda *_: None)
    vm = VM(memory=MEMORY, **MODES["trap, synced"]()).load(image(STORES["sw"]), boot="s")
    finish(vm)
    assert vm.harts[0].x[19] == 50 + 50
