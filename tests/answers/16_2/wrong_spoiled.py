"""The clones use the snapshot up: a late one goes on where the second stands."""
# says: snapshot_changed

from tests.answers.variants import variant

names = variant("16.2")


def snapshot(vm):
    return [names["snapshot"](vm), []]


def clone(taken, host):
    first, made = taken
    if len(made) == 2:
        first = names["snapshot"](made[1])
    made.append(names["clone"](first, host))
    return made[-1]
