"""Returns lists, walks recursively."""


def walk(read_u64, vsatp, hgatp, gva, access, priv):
    def ok(pte, access, user):
        letters = {name for bit, name in enumerate("vrwxugad") if pte >> bit & 1}
        need = {"load": {"r", "a"}, "store": {"w", "a", "d"}, "fetch": {"x", "a"}}[access]
        return need <= letters and ("u" in letters) == user

    def down(table, address, level, access, user, find, width):
        at = table + 8 * (address >> 12 + 9 * level & (1 << width) - 1)
        place = find(at)
        if place is None:
            return "lost", at
        pte = read_u64(place)
        if not pte & 1:
            return "fault", None
        target = pte >> 10 << 12
        if pte & 10:
            if not ok(pte, access, user):
                return "fault", None
            size = 1 << 12 + 9 * level
            return "found", target // size * size + address % size
        return down(target, address, level - 1, access, user, find, 9)

    def host(gpa, how="load"):
        if hgatp == 0:
            return gpa
        if gpa >= 1 << 41:
            return None
        what, hpa = down(hgatp % (1 << 44) << 12, gpa, 2, how, True, lambda a: a, 11)
        return hpa if what == "found" else None

    gpa = gva
    if vsatp != 0:
        if gva >> 38 not in (0, 0x3FFFFFF):
            return ["page fault", gva]
        what, gpa = down(vsatp % (1 << 44) << 12, gva, 2, access, priv == 0, host, 9)
        if what == "lost":
            return ["guest-page fault", gpa]
        if what == "fault":
            return ["page fault", gva]
    hpa = host(gpa, access)
    return ["guest-page fault", gpa] if hpa is None else ["hpa", hpa]
