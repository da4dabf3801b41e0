"""Forgets the return."""
# says: no_snapshot

from tests.answers.variants import variant

clone = variant("16.2")["clone"]


def snapshot(vm):
    vm.save()
