"""All three by recursion."""


def step(extents, uid, source, target):
    for extent in extents:
        if 0 <= uid - extent[source] < extent[2]:
            return uid - extent[source] + extent[target]
    return None


def to_host(spaces, name, uid):
    space = spaces[name]
    if space["parent"] is None:
        return uid
    above = step(space["uid_map"], uid, 0, 1)
    return None if above is None else to_host(spaces, space["parent"], above)


def seen_as(spaces, name, host_uid):
    space = spaces[name]
    if space["parent"] is None:
        return host_uid
    above = seen_as(spaces, space["parent"], host_uid)
    here = step(space["uid_map"], above, 1, 0)
    return 65534 if here is None else here


def capable(spaces, process, name, cap):
    if name is None:
        return False
    if name == process["space"]:
        return cap in process["caps"]
    space = spaces[name]
    made = space["parent"] == process["space"] and space["owner"] == process["uid"]
    return made or capable(spaces, process, space["parent"], cap)
