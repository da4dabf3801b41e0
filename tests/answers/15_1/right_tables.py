"""With every id written out, small maps as they are."""


def table(spaces, name):
    space = spaces[name]
    above = table(spaces, space["parent"]) if spaces[space["parent"]]["parent"] else None
    found = {}
    for inside, outside, count in space["uid_map"]:
        for k in range(count):
            host = outside + k if above is None else above.get(outside + k)
            if host is not None:
                found[inside + k] = host
    return found


def to_host(spaces, name, uid):
    return uid if spaces[name]["parent"] is None else table(spaces, name).get(uid)


def seen_as(spaces, name, host_uid):
    if spaces[name]["parent"] is None:
        return host_uid
    back = {host: uid for uid, host in table(spaces, name).items()}
    return back.get(host_uid, 65534)


def capable(spaces, process, name, cap):
    here = name
    while here is not None and here != process["space"]:
        above = spaces[here]["parent"]
        if above == process["space"] and spaces[here]["owner"] == process["uid"]:
            return True
        here = above
    return here is not None and cap in process["caps"]
