"""Whole arrays; the state copied once more, to be sure."""

import copy

import numpy as np

from minihv.cloud.micro import MicroVM


def snapshot(vm):
    pages = vm.memory.bytes.reshape(-1, 4096)
    touched = np.nonzero(pages.any(axis=1))[0]
    return {"size": vm.memory.size, "at": touched, "pages": pages[touched].copy(),
            "state": copy.deepcopy(vm.save())}


def clone(taken, host):
    vm = MicroVM(memory=taken["size"], host=host)
    vm.memory.bytes.reshape(-1, 4096)[taken["at"]] = taken["pages"]
    vm.restore(copy.deepcopy(taken["state"]))
    return vm
