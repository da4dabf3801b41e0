"""The comparison that learners use: equal where nobody could tell, and it names what differs."""

from minihv.chapters.ch02.comparison import outcome
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.vmm import VM, ShadowPaging, TrapAndEmulate

MEMORY, CHURN = 16 << 20, "workload=churn n=5 pages=3"


class Generous(TrapAndEmulate):
    """An emulated instruction takes no time."""

    def privileged(self, vcpu, exit):
        reason = super().privileged(vcpu, exit)
        vcpu.s[st.CLOCK] -= 1
        return reason


def test_equal_runs_are_equal_and_a_wrong_layer_is_named():
    bare = outcome(Machine(MEMORY), append=CHURN)
    assert bare.end.reason == "exit" and "wrong=0" in bare.console
    assert bare.differences(outcome(VM(paging=ShadowPaging(), memory=MEMORY), append=CHURN)) == []
    wrong = outcome(VM(cpu=Generous(), memory=MEMORY), append=CHURN)
    assert {"instructions", "clocks"} <= set(bare.differences(wrong))
