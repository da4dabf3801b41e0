"""The hypervisor: virtual machines on the machine of `minihv.hw`, in plain Python."""

from minihv.vmm.emulate import TrapAndEmulate
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.hardware import HardwareAssist
from minihv.vmm.host import Host
from minihv.vmm.hypervisor import Hypervisor
from minihv.vmm.nested import NestedPaging
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.synced import SyncedShadowPaging
from minihv.vmm.vcpu import VCPU
from minihv.vmm.vm import VM

__all__ = [
    "VCPU", "VM", "HardwareAssist", "Host", "Hypervisor", "NestedPaging", "Reason",
    "ShadowPaging", "SyncedShadowPaging", "TrapAndEmulate", "VMExit",
]  # fmt: skip
