"""With the chain of namespaces as a list."""


def chain(spaces, name):
    names = [name]
    while spaces[names[-1]]["parent"] is not None:
        names.append(spaces[names[-1]]["parent"])
    return names


def to_host(spaces, name, uid):
    for one in chain(spaces, name)[:-1]:
        hits = [b + uid - a for a, b, n in spaces[one]["uid_map"] if a <= uid < a + n]
        if not hits:
            return None
        uid = hits[0]
    return uid


def seen_as(spaces, name, host_uid):
    uid = host_uid
    for one in reversed(chain(spaces, name)[:-1]):
        hits = [a + uid - b for a, b, n in spaces[one]["uid_map"] if b <= uid < b + n]
        if not hits:
            return 65534
        uid = hits[0]
    return uid


def capable(spaces, process, name, cap):
    way = chain(spaces, name)
    if process["space"] not in way:
        return False
    if cap in process["caps"]:
        return True
    at = way.index(process["space"])
    return at > 0 and spaces[way[at - 1]]["owner"] == process["uid"]
